"""What `handflow run` costs: processor time for a second of video, and memory at start and end.

    python benchmarks/run_cost.py [--seconds 20] [--model FOLDER] [--hand-model full|lite] [--videos FOLDER]

Virtual persons are rendered at 640x480 and 30 frames a second and played at their own pace, as a camera
gives them: a hand that is held up, one that makes gestures among idle motion, and an empty room. Each runs
in a process of its own, as `handflow run` would be set up; the first two seconds are left out. Processor
time counts all threads; 100 % is one core. The default model is a few-shot model of four directions.
"""

import argparse
import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from handflow.bench.hands import make_frames
from handflow.bench.learning import GESTURES
from handflow.capture import VideoWriter, open_source
from handflow.synth.clips import landmark_clips
from handflow.synth.person import random_person
from handflow.synth.render import render_frames
from handflow.synth.scene import Scene
from handflow.synth.streams import make_stream

SIZE, FPS = (640, 480), 30.0
START = 2.0  # seconds until all is loaded, and until looks for hands become rare in an empty room


def _held(seconds: float) -> Scene:
    return make_frames(1, round(seconds * FPS), 0)


def _gestures(seconds: float) -> Scene:
    person = random_person(97_000)
    return make_stream(
        GESTURES, person, 1, seconds=seconds, fps=FPS, width=SIZE[0], height=SIZE[1], substeps=None
    ).scene


def _nobody(seconds: float) -> Scene:
    scene = _held(seconds)
    return dataclasses.replace(scene, joints=np.full_like(scene.joints, np.nan))


CASES: dict[str, Callable[[float], Scene]] = {
    "a hand held up": _held,
    "a hand that gestures": _gestures,
    "nobody": _nobody,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="of each video, more than 3")
    parser.add_argument("--model", type=Path, help="folder of a trained model")
    parser.add_argument("--hand-model", choices=("full", "lite"), default="full")
    parser.add_argument("--videos", type=Path, help="folder to keep the videos in, and to find them again")
    parser.add_argument("--play", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.play is not None:
        print(json.dumps(play(chosen.play, chosen.model, chosen.hand_model)))
        return
    with TemporaryDirectory(prefix="handflow-bench-") as scratch:
        model = chosen.model or taught(Path(scratch))
        folder = chosen.videos or Path(scratch)
        print(f"{'':22}{'of a core':>10}{'with hand':>11}{'dropped':>9}{'MB at start':>13}{'MB at end':>11}")
        for case, make in CASES.items():
            video = folder / f"{case.replace(' ', '-')}-{chosen.seconds:g}.mp4"
            if not video.exists():
                render(make(chosen.seconds), video)
            words = ["--play", str(video), "--model", str(model), "--hand-model", chosen.hand_model]
            done = subprocess.run([sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE)
            m = json.loads(done.stdout)
            print(
                f"{case:22}{m['cpu']:>10.0%}{m['seen']:>11.0%}{m['dropped']:>9}"
                f"{m['memory'][0]:>13.0f}{m['memory'][1]:>11.0f}"
            )


def taught(folder: Path) -> Path:
    """A few-shot model of four directions, five takes each, and ten of idle hands."""
    from handflow.teach import teach_model

    person = random_person(97_000)
    clips = list(landmark_clips(GESTURES, [person], 5, 0, seconds=1.5))
    clips += landmark_clips(("background",), [person], 10, 0, seconds=2.0)
    return teach_model(clips, folder).folder


def render(scene: Scene, path: Path) -> None:
    """Writes a scene as a video, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, SIZE, FPS) as video:
        for frame in render_frames(scene):
            video.write(frame.image, frame.timestamp)


def play(video: Path, model: Path, hand_model: str) -> dict[str, object]:
    """Plays a video through the pipeline at its own pace and measures this process."""
    from handflow.cli.run import make_pipeline
    from handflow.recognize import load_recognizer

    pipeline = make_pipeline(load_recognizer(model), hand_model="lite" if hand_model == "lite" else "full")
    spent = began = 0.0
    memory, frames, seen = 0.0, 0, 0
    with open_source(video, realtime=True) as source:
        for result in pipeline.run(source):
            if not memory and result.frame.timestamp >= START:
                spent, began, memory = time.process_time(), result.frame.timestamp, resident()
            frames += 1
            seen += bool(result.hands.hands)
        length = result.frame.timestamp - began
    return {
        "cpu": (time.process_time() - spent) / length,
        "seen": seen / frames,
        "dropped": source.dropped,
        "memory": [memory, resident()],
    }


def resident() -> float:
    """Memory of this process in MB, as it is now; Linux alone tells."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return float(status.split("VmRSS:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
