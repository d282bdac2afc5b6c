"""The few-shot recognizer: live it says what the examples say, a model folder answers as its teacher does.

Above 400 lines, because live, whole clips and the folder are asked of the same taught model.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handflow.data import write_archive
from handflow.errors import ModelFileError
from handflow.evaluate.streams import slotted_frames
from handflow.recognize import ModelInfo, load_recognizer, read_model_info
from handflow.recognize.few_shot.classifier import FewShotClassifier
from handflow.recognize.few_shot.examples import EXAMPLES_FILE, STROKES_FILE, read_examples
from handflow.recognize.few_shot.looks import look_at
from handflow.recognize.few_shot.pace import learn_pace, log_speed
from handflow.recognize.few_shot.parts import PARTS
from handflow.recognize.few_shot.recognizer import FewShotRecognizer
from handflow.recognize.few_shot.teacher import Teacher
from handflow.recognize.few_shot.views import LEAST_SEEN, Views, view_of
from handflow.recognize.model_folder import INFO_FILE, NETWORK_FILE, write_model_info
from handflow.teach import TeachConfig, teach_model
from handflow.types import BACKGROUND, LEFT, RIGHT, Clip, Float32, HandSequence, Scores
from teach.few_shot_samples import CLEAR, clip_of, nothing, performed, sequence, stay, takes, together, until

LABELS = (*sorted(CLEAR), BACKGROUND)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return teach_model(takes(), tmp_path_factory.mktemp("models")).folder


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    made = Teacher()
    assert made.add(takes()) == []
    return made


@pytest.fixture
def recognizer(folder: Path) -> FewShotRecognizer:
    opened = load_recognizer(folder)
    assert isinstance(opened, FewShotRecognizer)
    return opened


def taught_by(clips: tuple[Clip, ...] | list[Clip], out: Path, **config: Any) -> FewShotRecognizer:
    opened = load_recognizer(teach_model(clips, out, TeachConfig(**config)).folder)
    assert isinstance(opened, FewShotRecognizer)
    return opened


def played(recognizer: FewShotRecognizer, made: HandSequence) -> list[Scores]:
    recognizer.reset()
    return [
        recognizer.update(hands, float(made.timestamps[n]), n) for n, hands in enumerate(slotted_frames(made))
    ]


def said_by_strokes(
    folder: Path, teacher: Teacher, made: HandSequence, end: float, windows: tuple[float, ...]
) -> Float32:
    """What the strokes of a model folder say about stretches of a recording up to one moment."""
    strokes, few, labels = read_examples(folder, STROKES_FILE), read_model_info(folder).few_shot, LABELS
    assert few is not None
    classifier = FewShotClassifier(
        strokes.looks, strokes.labels, teacher.usual, weights=few.stroke_weights, border=few.stroke_border
    )
    taught = log_speed(strokes.views, strokes.seconds)
    pace = learn_pace(taught, classifier.label, classifier.gestures)
    views = [view_of(until(made, end), end - w, end) for w in windows]
    seen = [
        (view, w)
        for view, w in zip(views, windows, strict=True)
        if view is not None and view.share.max() >= LEAST_SEEN
    ]
    wanted = np.zeros(len(labels))
    if seen:
        batch = Views.stack(view for view, _ in seen)
        answer = classifier.answer(look_at(batch, teacher.encoders))
        share = pace.share(log_speed(batch, np.array([w for _, w in seen], np.float32)))
        best = (answer.chance * answer.known[:, None] * share).max(axis=0)
        wanted[[labels.index(g) for g in classifier.gestures]] = best / max(1, best.sum())
    wanted[labels.index(BACKGROUND)] = 0
    wanted[labels.index(BACKGROUND)] = 1 - wanted.sum()
    return wanted.astype(np.float32)


def with_gaps(made: HandSequence, share: float) -> HandSequence:
    marks = made.landmarks.copy()
    marks[np.random.default_rng(0).random(len(marks)) < share] = np.nan
    return sequence(marks, made.timestamps)


# Live


@pytest.mark.parametrize("fps", [15, 30])
@pytest.mark.parametrize("gaps", [0.0, 0.3, 0.8])
def test_live_scores_are_what_the_examples_say_of_the_same_stretch(
    recognizer: FewShotRecognizer, folder: Path, teacher: Teacher, fps: float, gaps: float
) -> None:
    made = with_gaps(takes(("hand_right",), 1, people=(9,), fps=fps)[0].sequence, gaps)
    assert recognizer.info.few_shot is not None
    windows = recognizer.info.few_shot.windows
    for n, scores in enumerate(played(recognizer, made)):
        end = float(made.timestamps[n])
        wanted = said_by_strokes(folder, teacher, made, end, windows)
        # A view of which nobody is fast enough is not looked at.
        np.testing.assert_allclose(scores.probabilities, wanted, atol=0.02)
        assert scores.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert (scores.labels, scores.timestamp, scores.frame) == (LABELS, end, n)


def test_with_several_windows_a_gesture_gets_the_best_of_them(folder: Path) -> None:
    clip, windows = takes(("hand_left",), 1, people=(9,))[0].sequence, (0.5, 1.3)
    one, other, both = (
        [s.probabilities[:-1] for s in played(with_windows(folder, some), clip)]
        for some in ((0.5,), (1.3,), windows)
    )
    best = np.maximum(one, other)
    best /= np.maximum(1, best.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(both, best, atol=1e-4)


def with_windows(folder: Path, windows: tuple[float, ...]) -> FewShotRecognizer:
    """The model of a folder with live windows of other durations."""
    other = folder.parent / f"windows-{len(windows)}-{max(windows)}"
    shutil.copytree(folder, other, dirs_exist_ok=True)
    info = read_model_info(folder)
    assert info.few_shot is not None
    few = info.few_shot.model_copy(update={"windows": windows})
    write_model_info(other, info.model_copy(update={"few_shot": few, "window_seconds": max(windows)}))
    opened = load_recognizer(other)
    assert isinstance(opened, FewShotRecognizer)
    return opened


@pytest.mark.parametrize("gesture", ["hand_left", "hand_right"])
def test_a_gesture_of_the_same_person_scores_best_while_it_is_made(
    recognizer: FewShotRecognizer, gesture: str
) -> None:
    again = takes(CLEAR, 5)[CLEAR.index(gesture) * 5 + 4]
    assert again.label == gesture
    best = np.max([s.probabilities for s in played(recognizer, again.sequence)], axis=0)
    assert LABELS[int(best[:-1].argmax())] == gesture


def test_shown_idle_hands_are_background(tmp_path: Path) -> None:
    made_folder = teach_model(takes((*CLEAR, BACKGROUND), 4), tmp_path).folder
    made = load_recognizer(made_folder)
    assert isinstance(made, FewShotRecognizer)
    assert made.labels == LABELS
    assert made.info.background == "learned"
    idle = takes((BACKGROUND,), 4)[0]
    assert made.classify(idle).argmax() == LABELS.index(BACKGROUND)
    teacher = Teacher()
    teacher.add(takes((*CLEAR, BACKGROUND), 4))
    assert made.info.few_shot is not None
    windows = made.info.few_shot.windows
    for n, scores in enumerate(played(made, idle.sequence)):
        end = float(idle.sequence.timestamps[n])
        wanted = said_by_strokes(made_folder, teacher, idle.sequence, end, windows)
        np.testing.assert_allclose(scores.probabilities, wanted, atol=0.02)


@pytest.mark.parametrize("frames", [1, 40])
def test_without_hands_all_is_background(recognizer: FewShotRecognizer, frames: int) -> None:
    for scores in played(recognizer, nothing(frames)):
        assert scores.probabilities.tolist() == [0, 0, 0, 1]
        assert scores.track == -1


def test_a_hand_that_is_hardly_seen_does_nothing(recognizer: FewShotRecognizer) -> None:
    clip = takes()[0].sequence
    assert len(clip) > 10
    share = LEAST_SEEN * 0.7
    hidden = np.arange(len(clip)) % round(1 / share) != 0
    marks = clip.landmarks.copy()
    marks[hidden] = np.nan
    scores = played(recognizer, sequence(marks, clip.timestamps))
    assert scores[-1].probabilities.tolist() == [0, 0, 0, 1]
    assert played(recognizer, clip)[-1].probabilities[-1] < 1


@pytest.mark.parametrize("later", [0.0, -0.5])
def test_time_cannot_stand_or_go_back(recognizer: FewShotRecognizer, later: float) -> None:
    frames = list(slotted_frames(takes()[0].sequence))
    recognizer.update(frames[0], 5.0, 0)
    with pytest.raises(ValueError, match="after"):
        recognizer.update(frames[1], 5.0 + later, 1)
    recognizer.reset()
    recognizer.update(frames[1], 5.0 + later, 1)


def test_reset_forgets_the_frames_before(recognizer: FewShotRecognizer) -> None:
    clip = takes()[0].sequence
    first = [s.probabilities for s in played(recognizer, clip)]
    again = [s.probabilities for s in played(recognizer, clip)]
    np.testing.assert_array_equal(first, again)


def two_hands(times: np.ndarray, direction: int = 1) -> HandSequence:
    def apart(side: int) -> Callable[[Any], Any]:
        return lambda u: np.outer(u, [side * direction * 150.0, 0])

    return together(
        performed(times, apart(1), slot=LEFT, at=(350, 150)),
        performed(times, apart(-1), slot=RIGHT, at=(250, 150)),
    )


def shaken(made: HandSequence, seed: int) -> HandSequence:
    noise = np.random.default_rng(seed).normal(0, 1, made.landmarks.shape)
    return sequence(made.landmarks + noise, made.timestamps)


TIMES = np.arange(0, 1.2, 1 / 15)


@pytest.mark.parametrize(
    ("made", "hand", "track"),
    [
        (performed(TIMES, slot=LEFT), "left", 0),
        (performed(TIMES, slot=RIGHT), "right", 0),
        (together(performed(TIMES, stay, slot=LEFT, at=(400, 200)), performed(TIMES)), "right", 1),
        (together(performed(TIMES, slot=LEFT), performed(TIMES, stay, at=(400, 200))), "left", 0),
        (two_hands(TIMES), "both", 1),
    ],
    ids=["left", "right", "the left one rests", "the right one rests", "both"],
)
def test_scores_name_the_acting_hand_and_its_track(
    tmp_path: Path, made: HandSequence, hand: str, track: int
) -> None:
    clips = [
        clip_of(shaken(performed(TIMES), 1), "swipe", "1"),
        clip_of(shaken(performed(TIMES), 2), "swipe", "2"),
        clip_of(shaken(two_hands(TIMES), 3), "open", "3"),
        clip_of(shaken(two_hands(TIMES), 4), "open", "4"),
    ]
    last = played(taught_by(clips, tmp_path), made)[-1]
    assert last.labels[int(last.probabilities[:2].argmax())] == ("open" if hand == "both" else "swipe")
    assert (last.hand, last.track) == (hand, track)


def test_where_hands_matter_a_right_hand_alone_is_not_both(tmp_path: Path) -> None:
    clips = [
        clip_of(shaken(performed(TIMES, path), seed), label, str(seed))
        for seed, (label, path) in enumerate(
            [("swipe", lambda u: np.outer(u, [200.0, 0])), ("hold", stay)] * 2
        )
    ]
    made = taught_by(clips, tmp_path, hands_matter=True)
    assert played(made, performed(TIMES))[-1].hand == "right"


# Whole clips


def test_a_taught_clip_is_surely_what_it_was_taught_as(recognizer: FewShotRecognizer) -> None:
    for clip in takes():
        chance = recognizer.classify(clip)
        assert chance.dtype == np.float32
        assert recognizer.labels[int(chance.argmax())] == clip.label
        assert chance.max() > 0.8
        assert chance.sum() == pytest.approx(1)
        assert chance[LABELS.index(BACKGROUND)] == 0
        assert recognizer.known(clip) > 0.5


@pytest.mark.parametrize("frames", [0, 1, 40])
def test_a_clip_without_a_hand_is_background(recognizer: FewShotRecognizer, frames: int) -> None:
    clip = clip_of(nothing(frames), "hand_left")
    assert recognizer.classify(clip).tolist() == [0, 0, 0, 1]
    assert recognizer.known(clip) == 0


def test_filled_frames_of_a_clip_were_not_seen(recognizer: FewShotRecognizer) -> None:
    clip = takes()[0]
    gone = np.zeros((len(clip.sequence), 2), bool)
    gone[::3] = True
    wild = clip.sequence.landmarks.copy()
    wild[::3] += 300
    filled = HandSequence(
        wild, clip.sequence.timestamps, clip.sequence.handedness, clip.sequence.presence, gone
    )
    np.testing.assert_array_equal(
        recognizer.classify(clip_of(filled, "a")), recognizer.classify(clip_of(filled.measured(), "a"))
    )


def test_it_is_no_recognizer_of_pictures(recognizer: FewShotRecognizer) -> None:
    assert not recognizer.needs_pictures
    assert recognizer.spotter().update(played(recognizer, nothing(1))[0]) == ()


# The folder


def test_the_folder_answers_as_its_teacher_does(recognizer: FewShotRecognizer, teacher: Teacher) -> None:
    classifier = teacher.classifier()
    np.testing.assert_allclose(recognizer.classifier.weights, classifier.weights, atol=1e-6)
    assert recognizer.classifier.border == pytest.approx(classifier.border, abs=1e-6)
    info = recognizer.info
    memory = FewShotRecognizer(info, teacher.encoders, classifier)
    for clip in takes(CLEAR, 5, people=(5, 9)):
        np.testing.assert_allclose(recognizer.classify(clip), memory.classify(clip), atol=1e-6)
        assert recognizer.known(clip) == pytest.approx(memory.known(clip), abs=1e-6)


def test_the_folders_weights_and_border_hold_whatever_the_examples_say(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    weights = [0.5 + k for k in range(len(PARTS))]
    edited(copy, {"weights": weights, "border": 1.25})
    opened = load_recognizer(copy)
    assert isinstance(opened, FewShotRecognizer)
    assert opened.classifier.weights.tolist() == weights
    assert opened.classifier.border == 1.25


def edited(folder: Path, few: dict[str, Any] | None = None, **changes: Any) -> None:
    document = json.loads((folder / INFO_FILE).read_text())
    document |= changes
    document["few_shot"] |= few or {}
    (folder / INFO_FILE).write_text(json.dumps(document))


def with_arrays(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    with np.load(folder / EXAMPLES_FILE) as found:
        arrays = dict(found)
    np.savez(folder / EXAMPLES_FILE, **(arrays | change(arrays)))


BREAKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "newer version": (lambda f: edited(f, {"version": 99}), "version 99.*train the model again"),
    "no version": (lambda f: edited(f, {"version": None}), "version None.*train the model again"),
    "no windows": (lambda f: edited(f, {"windows": []}), "damaged.*windows"),
    "no border": (lambda f: edited(f, {"border": None}), "damaged.*border"),
    "steepness below 0": (lambda f: edited(f, {"steepness": -1}), "damaged.*steepness"),
    "no examples": (lambda f: (f / EXAMPLES_FILE).unlink(), f"{EXAMPLES_FILE}.*teach the model again"),
    "torn examples": (lambda f: (f / EXAMPLES_FILE).write_bytes(b"PK\x03\x04"), f"{EXAMPLES_FILE}.*damaged"),
    "other labels": (
        lambda f: with_arrays(f, lambda a: {"label": np.array(["jump"] * len(a["label"]))}),
        "jump.*files of two models are mixed",
    ),
    "no network": (lambda f: (f / NETWORK_FILE).unlink(), f"{NETWORK_FILE} is missing"),
    "garbage network": (lambda f: (f / NETWORK_FILE).write_bytes(b"not a network"), "damaged"),
}  # fmt: skip
UNNOTICED: dict[str, tuple[Callable[[Path], object], str]] = {
    "too few usual weights": (lambda f: edited(f, {"usual_weights": [1, 2]}), "damaged"),
    "too few levels": (lambda f: edited(f, {"usual_levels": [1, 2]}), "damaged"),
    "usual weights below 0": (lambda f: edited(f, {"usual_weights": [1, 1, 1, -1]}), "damaged"),
    "too few weights": (lambda f: edited(f, {"weights": [1, 2]}), "damaged"),
    "weights of 0": (lambda f: edited(f, {"weights": [0, 0, 0, 0]}), "damaged"),
    "a window below 0": (lambda f: edited(f, {"windows": [-1.0]}), "damaged"),
    "a window beyond the buffer": (lambda f: edited(f, {"windows": [9.0]}, window_seconds=1.0), "damaged"),
    "points of other encoders": (
        lambda f: with_arrays(f, lambda a: {"points": a["points"][:, :, ::2]}),
        "files of two models are mixed",
    ),
}


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        *(pytest.param(*case, id=name) for name, case in BREAKS.items()),
        *(pytest.param(*case, id=name) for name, case in UNNOTICED.items()),
    ],
)
def test_a_broken_model_is_one_clear_line(
    folder: Path, tmp_path: Path, break_it: Callable[[Path], object], message: str
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    load_recognizer(copy)
    break_it(copy)
    with pytest.raises(ModelFileError, match=message) as raised:
        load_recognizer(copy)
    assert str(copy) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_label_without_examples_gets_nothing(folder: Path, tmp_path: Path) -> None:
    info = read_model_info(folder)
    more = ModelInfo.model_validate(
        info.model_dump()
        | {
            "labels": ("absent", *info.labels),
            "thresholds": info.thresholds | {"absent": info.thresholds["hand_left"]},
            "gesture_seconds": info.gesture_seconds | {"absent": 0.5},
        }
    )
    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    (copy / INFO_FILE).write_text(more.model_dump_json())
    chance = load_recognizer(copy).classify(takes()[0])
    assert chance[0] == 0
    np.testing.assert_array_equal(chance[1:], load_recognizer(folder).classify(takes()[0]))


WITHOUT_TORCH = """
import json, sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    names = {"torch", "lightning", "onnx", "onnxscript", "kornia", "safetensors", "sklearn", "matplotlib",
             "array_api_compat"}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)

sys.meta_path.insert(0, Absent())
from typer.testing import CliRunner
from handflow.cli import app
from handflow.data import read_archive
from handflow.evaluate.streams import slotted_frames
from handflow.recognize import load_recognizer

def handflow(*arguments):
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, (arguments, done.output, done.exception)
    return done.stdout

archive, out = sys.argv[1:]
model = handflow("train", archive, "--out", out).strip().splitlines()[-1]
recognizer = load_recognizer(model)
clip = read_archive(archive).clips[0]
scores = [recognizer.update(hands, float(clip.sequence.timestamps[n]), n).probabilities.tolist()
          for n, hands in enumerate(slotted_frames(clip.sequence))]
print(json.dumps({
    "model": model,
    "clips": json.loads(handflow("evaluate", model, archive, "--json")),
    "few-shot": json.loads(handflow("evaluate", archive, "--protocol", "few-shot", "--shots", "1",
                                    "--repeats", "1", "--json")),
    "scores": scores,
    "absent": sorted(Absent.names & set(sys.modules)),
}))
"""


def test_teaching_measuring_and_running_need_no_torch(tmp_path: Path) -> None:
    write_archive(tmp_path / "takes.npz", takes())
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path / "takes.npz"), str(tmp_path / "models")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["absent"] == []
    assert (told["clips"]["clips"], told["clips"]["accuracy"]) == (9, 1.0)
    assert told["few-shot"]["shots"].keys() == {"1"}
    assert Path(told["model"]).parent == tmp_path / "models"
    here = load_recognizer(told["model"])
    assert isinstance(here, FewShotRecognizer)
    wanted = [s.probabilities for s in played(here, takes()[0].sequence)]
    np.testing.assert_allclose(told["scores"], wanted, atol=1e-5)


def test_the_classifier_of_a_folder_knows_its_examples(recognizer: FewShotRecognizer) -> None:
    assert isinstance(recognizer.classifier, FewShotClassifier)
    assert recognizer.classifier.gestures == tuple(sorted(CLEAR))
    assert recognizer.classifier.counts.tolist() == [3, 3, 3]
