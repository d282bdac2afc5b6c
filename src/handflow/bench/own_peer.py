"""handflow's hand landmarker on given frames, measured just as `mediapipe_peer.py` measures mediapipe.

python own_peer.py MODEL THREADS FRAMES.npz HANDS OUT.json
"""

import json
import sys
import time
from pathlib import Path
from typing import cast

from handflow.processes import peak_memory


def main(model: str, threads: int, frames_path: str, hands: int, out: str) -> None:
    """Tracks the frames and writes times, memory and landmarks as JSON."""
    begun = time.perf_counter()
    import numpy as np

    from handflow.hands import HandLandmarker, HandLandmarkerConfig
    from handflow.hands.models import HandModel
    from handflow.types import Frame

    config = HandLandmarkerConfig(max_hands=hands, threads=threads, model=cast(HandModel, model))
    landmarker = HandLandmarker(config)
    with np.load(frames_path, allow_pickle=False) as archive:
        landmarker.update(Frame(archive["first"], 0.0, 0))
        ready = time.perf_counter() - begun
        frames, timestamps = archive["frames"], archive["timestamps"]
    landmarker.reset()
    milliseconds, found = [], []
    cpu = time.process_time()
    for index, (image, timestamp) in enumerate(zip(frames, timestamps, strict=True)):
        start = time.perf_counter()
        result = landmarker.update(Frame(image, float(timestamp), index))
        milliseconds.append((time.perf_counter() - start) * 1000)
        found.append([hand.landmarks[:, :2].tolist() for hand in result.hands])
    document = {
        "ready_s": ready,
        "milliseconds": milliseconds,
        "cpu_ms": (time.process_time() - cpu) * 1000 / len(frames),
        "memory_mb": peak_memory(),
        "landmarks": found,
    }
    Path(out).write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5])
