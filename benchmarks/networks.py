"""The networks side by side: LRCN and ConvLSTM on full pictures, crops and masks, and the landmark network.

Rendered clips of virtual persons, tracked by the real hand models: 16 of each of the four directions to learn
from (8 persons, other ones for every seed), 40 to test on (20 persons in other rooms, never trained on). All
persons make all gestures, so faces, clothes and rooms tell nothing about the gesture.

    python benchmarks/networks.py FOLDER              # goes on where it was cut short; --report prints only
    python benchmarks/networks.py FOLDER --seeds 1 --only lrcn-mask,landmark

Every run leaves a line of its own in FOLDER/runs; what is there is not run again.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, pstdev
from typing import Any

import numpy as np

from handflow.atomic import write_bytes
from handflow.data import load_clips
from handflow.evaluate import evaluate_clips
from handflow.recognize import Recognizer, load_recognizer
from handflow.recognize.picture_recognizer import PictureRecognizer
from handflow.recognize.recognizer import clip_ends
from handflow.train import TrainConfig, configured, train_model
from handflow.types import Clip

GESTURES = ("hand_up", "hand_down", "hand_left", "hand_right")
LEARNED, TESTED = (8, 2), (20, 2)  # persons, clips of each gesture by each
DATA_SEED = 7300  # of the persons that are tested; those that are learned from follow
TIMED = 40  # windows

CONFIGS: dict[str, Callable[[int], TrainConfig]] = {
    # name: how it is trained
    "landmark": lambda seed: configured("landmark", seed=seed),
    **{
        f"{model}-{kind}": lambda seed, model=model, kind=kind: configured(model, input=kind, seed=seed)
        for model in ("lrcn", "convlstm")
        for kind in ("mask", "crop", "full")
    },
    "lrcn-article": lambda seed: configured("lrcn", "article", seed=seed),
    "convlstm-article": lambda seed: configured("convlstm", "article", seed=seed),
    # what of the article's values keeps its network from working
    "lrcn-article-momentum": lambda seed: configured("lrcn", "article", seed=seed, norm_momentum=0.9),
    "lrcn-article-mask": lambda seed: configured("lrcn", "article", seed=seed, input="mask"),
    "lrcn-article-mask-momentum": lambda seed: configured(
        "lrcn", "article", seed=seed, input="mask", norm_momentum=0.9
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default=",".join(CONFIGS), help="names with commas")
    parser.add_argument(
        "--report", action="store_true", help="print the table of what is there and run nothing"
    )
    args = parser.parse_args()
    names = args.only.split(",")
    if unknown := set(names) - set(CONFIGS):
        parser.error(f"no such run: {', '.join(sorted(unknown))}; choose of {', '.join(CONFIGS)}")
    runs = args.folder / "runs"
    if not args.report:
        runs.mkdir(parents=True, exist_ok=True)
        test = dataset(args.folder / "test", DATA_SEED, *TESTED)
        for seed in range(args.seeds):
            for name in names:
                path = runs / f"{name}-{seed}.json"
                if path.exists():
                    continue
                train = dataset(args.folder / f"train-{seed}", DATA_SEED + 1 + seed, *LEARNED)
                found = run(CONFIGS[name](seed), train, test, args.folder / "models")
                write_bytes(path, json.dumps(found, indent=1).encode())
                print(f"{name} seed {seed}: {found['accuracy']:.1%} in {found['seconds']:.0f} s", flush=True)
    report(runs, names)


def dataset(folder: Path, seed: int, persons: int, clips: int) -> Path:
    """A dataset of rendered and tracked clips; what of it is there is not made again."""
    options = {"gestures": ",".join(GESTURES), "persons": persons, "clips": clips, "fps": 15, "seed": seed}
    written = [f"--{name}={value}" for name, value in options.items()]
    for command in (["synth", f"--out={folder}", "--landmarks=none", *written], ["extract", str(folder)]):
        subprocess.run([sys.executable, "-m", "handflow", *command], check=True, stdout=subprocess.DEVNULL)
    return folder


def run(config: TrainConfig, train: Path, test: Path, models: Path) -> dict[str, Any]:
    """Trains once and measures the model on persons it never saw."""
    start = time.perf_counter()
    folder = train_model(load_clips(train), config, models, dataset=train)
    seconds = time.perf_counter() - start
    clips = load_clips(test)
    result = evaluate_clips(load_recognizer(folder), clips)
    info = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    epochs = len((folder / "history.csv").read_text(encoding="utf-8").splitlines()) - 1
    return {
        "model": folder.name,
        "accuracy": result.accuracy,
        "per_class": {score.label: score.recall for score in result.per_class if score.support},
        "confusion": result.confusion.tolist(),
        "labels": list(result.labels),
        "seconds": seconds,
        "epochs": epochs,
        "parameters": info["parameters"],
        "megabytes": (folder / "model.onnx").stat().st_size / 1e6,
        "window_ms": {str(n): window_ms(folder, clips, n) for n in (1, 2)},
    }


def window_ms(folder: Path, clips: Sequence[Clip], threads: int) -> float:
    """Median time of one window live: from the frames' landmarks (and pictures) to its scores."""
    recognizer = load_recognizer(folder, threads=threads)
    spent = []
    for clip in clips[:: max(1, len(clips) // TIMED)]:
        look = one_window(recognizer, clip)
        look()
        start = time.perf_counter()
        look()
        spent.append(time.perf_counter() - start)
    return 1000 * float(np.median(spent))


def one_window(recognizer: Recognizer, clip: Clip) -> Callable[[], object]:
    sequence = clip.sequence.measured()
    end = clip_ends(sequence, recognizer.window_seconds)[-1]
    if not isinstance(recognizer, PictureRecognizer):
        return lambda: recognizer._network(recognizer._encode(recognizer._window(sequence, end)).features)
    stored = []
    if recognizer.needs_pictures and clip.frames is not None:
        stored = [recognizer._kept(frame.image) for frame in clip.frames]
    seconds, size = recognizer.window_seconds, clip.frame_size
    return lambda: recognizer._network(recognizer._look(sequence, stored, size, end, seconds)[None])


def report(runs: Path, names: Sequence[str]) -> None:
    rows = [
        "| network | accuracy | training | epochs | parameters | ONNX | ms a window, 1 / 2 threads |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in names:
        found = [
            json.loads(path.read_text(encoding="utf-8")) for path in sorted(runs.glob(f"{name}-[0-9]*.json"))
        ]
        if not found:
            continue
        of = {key: [f[key] for f in found] for key in ("accuracy", "seconds", "epochs")}
        each = ", ".join(f"{100 * a:.1f}" for a in of["accuracy"])
        last = found[-1]
        spread = f" ± {100 * pstdev(of['accuracy']):.1f}" if len(found) > 1 else ""
        ms = " / ".join(f"{np.median([f['window_ms'][n] for f in found]):.1f}" for n in ("1", "2"))
        rows.append(
            f"| {name} | {100 * mean(of['accuracy']):.1f}{spread} % ({each}) "
            f"| {np.median(of['seconds']):.0f} s | {np.median(of['epochs']):.0f} "
            f"| {last['parameters']:,} | {last['megabytes']:.2f} MB | {ms} |"
        )
    print("\n".join(rows))


if __name__ == "__main__":
    main()
