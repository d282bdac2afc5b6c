"""mediapipe's hand landmarker on given frames. Runs in the peers' environment, so it imports nothing of ours.

    python mediapipe_peer.py TASK FRAMES.npz HANDS OUT.json

FRAMES.npz holds `frames` uint8 (n, height, width, 3) RGB, the `first` of them alone, and `timestamps` (n,)
seconds.
"""

import json
import sys
import time


def main(task: str, frames_path: str, hands: int, out: str) -> None:
    """Tracks the frames and writes times, memory and landmarks as JSON."""
    begun = time.perf_counter()
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.HandLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=task),
        running_mode=vision.RunningMode.VIDEO,
        num_hands=hands,
    )
    with vision.HandLandmarker.create_from_options(options) as landmarker:
        import numpy as np

        with np.load(frames_path, allow_pickle=False) as archive:
            warm = mp.Image(image_format=mp.ImageFormat.SRGB, data=archive["first"])
            landmarker.detect_for_video(warm, 0)
            ready = time.perf_counter() - begun
            frames, timestamps = archive["frames"], archive["timestamps"]
        height, width = frames.shape[1:3]
        milliseconds, found = [], []
        cpu = time.process_time()
        for frame, timestamp in zip(frames, timestamps, strict=True):
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=frame)
            start = time.perf_counter()
            result = landmarker.detect_for_video(image, 1000 + int(timestamp * 1000))
            milliseconds.append((time.perf_counter() - start) * 1000)
            found.append([[(p.x * width, p.y * height) for p in hand] for hand in result.hand_landmarks])
        cpu = time.process_time() - cpu
    memory = None
    if sys.platform == "linux":
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123
            memory = float(status.read().split("VmHWM:")[1].split()[0]) / 1024
    document = {
        "ready_s": ready,
        "milliseconds": milliseconds,
        "cpu_ms": cpu * 1000 / len(frames),
        "memory_mb": memory,
        "landmarks": found,
    }
    with open(out, "w", encoding="utf-8") as file:  # noqa: PTH123 - one habit less for the peers' Python
        json.dump(document, file)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
