"""How well gestures are told by one, three and five examples, and what each part of the method brings.

    python benchmarks/few_shot.py FOLDER [--data SHARED/data] [--parts] [--rendered]

Ten gestures of one person at a time, whose other takes are told. Sources of gestures:

- `drawn`: from the generator that the encoders were trained on, gestures and persons that trained nothing;
- `second`: from `handflow.synth.motion`, another source of motion with other parameters, as landmarks;
- `rendered`: the same as pixels, seen by the real hand models (`--rendered`; minutes, kept in FOLDER);
- `webcam words`, `repeated gestures`: recordings of people (`--data`): 180 clips of three signs, and windows
  of two seconds cut from three recordings of a gesture repeated again and again.

`--parts` makes the table of what each part brings; the row without tracker errors needs encoders trained
without them, which it trains for comparison with equally short ones (minutes, kept in FOLDER).
All means are over three seeds of draws.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from handflow.data import Dataset, load_clips, read_archive
from handflow.recognize.few_shot.classifier import FewShotClassifier, Usual
from handflow.recognize.few_shot.examples import examples_of
from handflow.recognize.few_shot.looks import Encoders, Looks, look_at
from handflow.recognize.few_shot.packaged import packaged_encoders, packaged_usual
from handflow.recognize.few_shot.parts import DISTANCES
from handflow.recognize.few_shot.time_warping import warped_distances
from handflow.recognize.few_shot.views import Views
from handflow.synth.clips import MEANT, landmark_clips, random_numbers
from handflow.synth.gesture_tables import TableConfig, draw_gestures
from handflow.synth.performances import NumpyDraws, PerformanceConfig, perform
from handflow.synth.person import random_person
from handflow.types import BACKGROUND, Clip, Float32, HandSequence

SHOTS = (1, 3, 5)
SEEDS = (0, 1, 2)
GESTURES, TAKES, REPEATS = 10, 12, 5
PERSONS = {"drawn": 20, "second": 12, "rendered": 2}  # of a seed


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Takes of one person, ready to be compared."""

    views: Views
    labels: np.ndarray  # (n,) text


def drawn(seed: int) -> Iterator[Task]:
    """Tasks of gestures that nobody drew before."""
    for number in range(PERSONS["drawn"]):
        rng = np.random.default_rng([3_000_017, seed, number])
        gestures = draw_gestures(rng, GESTURES, TableConfig(alike=0.0, two_hands=0.2))
        draws = NumpyDraws(int(rng.integers(2**31)))
        made = perform([gestures], TAKES, draws, PerformanceConfig(one_user=1.0), hands=2)
        seen = np.isfinite(made.landmarks).all(axis=(3, 4)).mean(axis=1, dtype=np.float32)
        views = Views(np.nan_to_num(made.landmarks), seen, np.ones(len(seen), np.intp))
        yield Task(views, np.array([f"{g:02d}" for g in made.gesture]))


def second(seed: int) -> Iterator[Task]:
    """Persons and motions of `handflow.synth.motion`, as landmarks with imitated tracker noise."""
    for number in range(PERSONS["second"]):
        chosen, person = _chosen(seed, number)
        yield task_of(list(landmark_clips(chosen, [person], TAKES, seed + 77)))


def rendered(folder: Path, seed: int) -> Iterator[Task]:
    """The same, rendered and seen by the real hand models; kept in `folder`."""
    from handflow.hands import HandLandmarker, HandLandmarkerConfig, find_hand_models, track_hands
    from handflow.synth.clips import clip_seed, make_clip
    from handflow.synth.render import render_frames

    models = find_hand_models()
    for number in range(PERSONS["rendered"]):
        chosen, person = _chosen(seed, 500 + number)
        place = folder / f"rendered-{seed}-{number}"
        dataset = Dataset.create(place, exist_ok=True)
        done = {entry.id for entry in dataset.entries()}
        for gesture in chosen:
            for take in range(8):
                one = clip_seed(seed + 5, number, gesture, take)
                made = make_clip(gesture, person, one, seconds=1.5, substeps=None)
                if made.clip.id in done:
                    continue
                landmarker = HandLandmarker(HandLandmarkerConfig(max_hands=1), models)
                seen = track_hands(render_frames(made.scene), landmarker)
                dataset.add(replace(made.clip, sequence=seen), landmarker=landmarker.version)
        yield task_of(load_clips(place))


def _chosen(seed: int, number: int):
    chosen = sorted(random_numbers(seed, number, 11).choice(MEANT, GESTURES, replace=False))
    return [str(name) for name in chosen], random_person(91_000 + 1000 * seed + number)


def recordings(data: Path) -> dict[str, Task]:
    """Recordings of people."""
    words = read_archive(data / "landmarks" / "webcam_words.npz").clips
    repeated = read_archive(data / "landmarks" / "repeated_gestures.npz").clips
    windows = [
        replace(clip, id=f"{clip.id}-{i}", sequence=_part(clip.sequence, i, i + 30))
        for clip in repeated
        for i in range(0, len(clip.sequence) - 30, 30)
    ]
    return {"webcam words": task_of(words), "repeated gestures": task_of(windows)}


def _part(s: HandSequence, first: int, end: int) -> HandSequence:
    part = slice(first, end)
    return HandSequence(
        s.landmarks[part], s.timestamps[part], s.handedness[part], s.presence[part], s.filled[part]
    )


def task_of(clips: list[Clip]) -> Task:
    """Looks at clips as a teacher does."""
    examples = examples_of(clips, packaged_encoders())
    assert examples is not None
    return Task(examples.views, np.array(examples.labels))


Told = Callable[[Looks, list[str], Looks], np.ndarray]
"""Examples, their labels and queries to answers."""


def scores(task: Task, looks: Looks, tell: Told, seed: int) -> dict[int, float]:
    """Share of right answers by number of examples."""
    right: dict[int, list[float]] = {k: [] for k in SHOTS}
    names = sorted(set(task.labels))
    for repeat in range(REPEATS):
        rng = np.random.default_rng([seed, repeat, 5])
        order = {name: rng.permutation(np.flatnonzero(task.labels == name)) for name in names}
        for k in SHOTS:
            taught = np.concatenate([order[name][:k] for name in names])
            asked = np.setdiff1d(np.arange(len(task.labels)), taught)
            answers = tell(looks.take(taught), list(task.labels[taught]), looks.take(asked))
            right[k].append(float((answers == task.labels[asked]).mean()))
    return {k: float(np.mean(v)) for k, v in right.items()}


def full(usual: Usual) -> Told:
    """The whole method."""

    def tell(examples: Looks, labels: list[str], queries: Looks) -> np.ndarray:
        classifier = FewShotClassifier(examples, labels, usual)
        return np.array(classifier.gestures)[classifier.answer(queries).chance.argmax(axis=1)]

    return tell


def fixed(*weights: float) -> Told:
    """The parts with given weights that the examples do not change."""

    def tell(examples: Looks, labels: list[str], queries: Looks) -> np.ndarray:
        usual = Usual((*weights, 0.0), (0.0,) * DISTANCES, 0.0, 1.0)
        classifier = FewShotClassifier(examples, labels, usual, weights=usual.weights, border=0.0)
        return np.array(classifier.gestures)[classifier.answer(queries).chance.argmax(axis=1)]

    return tell


def nearest(frames: Callable[[Looks], Float32], *, warped: bool) -> Told:
    """Nothing learned: the nearest example, step by step or warped in time."""

    def tell(examples: Looks, labels: list[str], queries: Looks) -> np.ndarray:
        theirs, mine = frames(examples), frames(queries)
        if warped:
            distances = np.stack([warped_distances(one[None], theirs) for one in mine])
        else:
            distances = np.linalg.norm(
                (mine[:, None] - theirs[None]).reshape(len(mine), len(theirs), -1), axis=2
            )
        return np.array(labels)[distances.argmin(axis=1)]

    return tell


def plain(looks: Looks) -> Float32:
    """Landmarks alone, from the wrist, in palm sizes: what most programs compare."""
    return looks.frames[:, 0, :, :60]


def features(looks: Looks) -> Float32:
    """Landmarks, directions of bones and the path."""
    return looks.frames[:, 0]


def parts_table(usual: Usual) -> dict[str, Told]:
    """Rows of the table of parts, each with one thing more than the last or one left out of all."""
    exact, motion, warped, other, learned = usual.weights
    return {
        "nearest neighbour on landmarks": nearest(plain, warped=False),
        "… warped in time": nearest(plain, warped=True),
        "features, warped in time": nearest(features, warped=True),
        "encoder of poses and motions alone": fixed(exact, 0, 0, 0),
        "encoder of motions alone": fixed(0, motion, 0, 0),
        "both encoders": fixed(exact, motion, 0, 0),
        "both encoders, warping": fixed(exact, motion, warped, 0),
        "… and the second hand": fixed(exact, motion, warped, other),
        "all, weights from the examples": full(usual),
        "all but regression": full(replace(usual, weights=(exact, motion, warped, other, 0))),
        "all but the encoder of motions": full(
            replace(usual, weights=(exact + motion, 0, warped, other, learned))
        ),
        "all but warping": full(replace(usual, weights=(exact, motion, 0, other, learned))),
    }


def short_encoders(folder: Path, steps: int, errors: bool) -> Encoders:
    """Encoders of a short training, with or without tracker errors."""
    from handflow.recognize.few_shot.packaged import OnnxEncoders
    from handflow.train.package_encoders import write_encoders
    from handflow.train.pretrain import EXPERTS, PretrainConfig, card, pretrain_expert

    place = folder / f"encoders-{steps}-{'with' if errors else 'without'}"
    if not (place / "encoders.onnx").exists():
        performances = PerformanceConfig() if errors else PerformanceConfig(errors=None)
        config = PretrainConfig(steps=steps, performances=performances)
        trained = [pretrain_expert(name, config, place / "checkpoints") for name in EXPERTS]
        write_encoders(trained, place, card(config))
    return OnnxEncoders(place / "encoders.onnx")


def refusals(usual: Usual, encoders: Encoders) -> dict[str, list[float]]:
    """Shares by number of examples: known gestures taken for known, unknown and idle hands refused."""
    found: dict[str, list[list[float]]] = {"known": [], "unknown": [], "idle": []}
    for seed in SEEDS:
        for number in range(PERSONS["second"]):
            chosen, person = _chosen(seed, number)
            unknown = [name for name in MEANT if name not in chosen]
            looks = {}
            for what, names in (("known", chosen), ("unknown", unknown), ("idle", [BACKGROUND] * 3)):
                clips = list(landmark_clips(names, [person], TAKES if what != "unknown" else 5, seed + 78))
                task = task_of(clips)
                looks[what] = (look_at(task.views, encoders), task.labels)
            examples, labels = looks["known"]
            rows: dict[str, list[float]] = {"known": [], "unknown": [], "idle": []}
            for k in SHOTS:
                taught = np.concatenate([np.flatnonzero(labels == name)[:k] for name in chosen])
                classifier = FewShotClassifier(examples.take(taught), list(labels[taught]), usual)
                for what, (queries, names) in looks.items():
                    asked = queries
                    if what == "known":
                        asked = queries.take(np.setdiff1d(np.arange(len(names)), taught))
                    known = classifier.answer(asked).known > 0.5
                    rows[what].append(float(known.mean() if what == "known" else 1 - known.mean()))
            for what, row in rows.items():
                found[what].append(row)
    return {what: np.mean(every, axis=0).tolist() for what, every in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where rendered clips, encoders and results.json are kept")
    parser.add_argument("--data", type=Path, help="folder of recordings, as described above")
    parser.add_argument("--parts", action="store_true", help="what each part brings")
    parser.add_argument("--rendered", action="store_true", help="rendered pixels, too")
    parser.add_argument("--short-steps", type=int, default=1500, help="of the encoders of the last two rows")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    usual, encoders = packaged_usual(), packaged_encoders()
    sources: dict[str, Callable[[int], list[Task]]] = {
        "drawn": lambda seed: list(drawn(seed)),
        "second": lambda seed: list(second(seed)),
    }
    if arguments.rendered:
        sources["rendered"] = lambda seed: list(rendered(arguments.folder, seed))
    if arguments.data:
        real = recordings(arguments.data)
        sources |= {name: lambda seed, task=task: [task] for name, task in real.items()}
    rows: dict[str, tuple[Encoders, Told]] = {"all, weights from the examples": (encoders, full(usual))}
    if arguments.parts:
        rows = {name: (encoders, tell) for name, tell in parts_table(usual).items()}
        for errors in (True, False):
            with_errors = "with" if errors else "without"
            name = f"all, encoders of {arguments.short_steps} steps {with_errors} tracker errors"
            rows[name] = (short_encoders(arguments.folder, arguments.short_steps, errors), full(usual))
    results: dict[str, Any] = {name: {} for name in rows}
    for source, tasks_of in sources.items():
        every = {seed: tasks_of(seed) for seed in SEEDS}
        print(
            f"\n{source}: {sum(len(tasks) for tasks in every.values())} tasks; 1, 3, 5 examples", flush=True
        )
        for name, (encode, tell) in rows.items():
            by_seed = []
            for seed, tasks in every.items():
                found = [scores(task, look_at(task.views, encode), tell, seed) for task in tasks]
                by_seed.append([float(np.mean([one[k] for one in found])) for k in SHOTS])
            mean, spread = np.mean(by_seed, axis=0), np.std(by_seed, axis=0, ddof=1)
            results[name][source] = {"mean": mean.tolist(), "std": spread.tolist()}
            cells = "  ".join(f"{m:6.1%} ± {s:.1%}" for m, s in zip(mean, spread, strict=True))
            print(f"  {name:58s} {cells}", flush=True)
    refused = refusals(usual, encoders)
    print("\nsecond: known taken for known, unknown gestures and idle hands refused; 1, 3, 5 examples")
    for what, shares in refused.items():
        print(f"  {what:58s} " + "  ".join(f"{share:6.1%}       " for share in shares))
    results["refusals"] = refused
    (arguments.folder / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
