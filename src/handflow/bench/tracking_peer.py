"""One program that follows hands through given streams, one stream after another.

    python tracking_peer.py handflow
    python tracking_peer.py mediapipe HAND.task

Each line of standard input is a JSON list: FRAMES.npz (`frames` uint8 (n, height, width, 3) RGB and
`timestamps` (n,) seconds), the number of hands asked for, and OUT.json, which gets a list of hands for each
frame. The line "done" answers it. Every stream is followed afresh. mediapipe runs in the peers' environment:
nothing of ours is imported for it.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

Follow = Callable[[Any, Any, int], list[list[dict[str, Any]]]]
"""Frames, timestamps and number of hands to the hands of each frame: points (21, 2), track, side."""


def handflow_follower() -> Follow:
    """handflow with its defaults."""
    from handflow.hands import HandLandmarker, HandLandmarkerConfig
    from handflow.types import Frame

    landmarkers: dict[int, HandLandmarker] = {}

    def follow(frames: Any, timestamps: Any, hands: int) -> list[list[dict[str, Any]]]:
        landmarker = landmarkers.setdefault(hands, HandLandmarker(HandLandmarkerConfig(max_hands=hands)))
        landmarker.reset()
        found = []
        for index, (image, timestamp) in enumerate(zip(frames, timestamps, strict=True)):
            result = landmarker.update(Frame(image, float(timestamp), index))
            found.append(
                [
                    {"points": hand.landmarks[:, :2].tolist(), "track": hand.track, "side": hand.side}
                    for hand in result.hands
                ]
            )
        return found

    return follow


def mediapipe_follower(task: str) -> Follow:
    """mediapipe's hand landmarker for videos, with its defaults; it names no tracks."""
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    def follow(frames: Any, timestamps: Any, hands: int) -> list[list[dict[str, Any]]]:
        height, width = frames.shape[1:3]
        options = vision.HandLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=task),
            running_mode=vision.RunningMode.VIDEO,
            num_hands=hands,
        )
        found = []
        with vision.HandLandmarker.create_from_options(options) as landmarker:
            for frame, timestamp in zip(frames, timestamps, strict=True):
                image = mp.Image(image_format=mp.ImageFormat.SRGB, data=frame)
                result = landmarker.detect_for_video(image, round(timestamp * 1000))
                # Its newer API names the anatomical hand of a picture that is not mirrored.
                sides = [entry[0].category_name.lower() for entry in result.handedness]
                found.append(
                    [
                        {"points": [(p.x * width, p.y * height) for p in hand], "track": None, "side": side}
                        for hand, side in zip(result.hand_landmarks, sides, strict=True)
                    ]
                )
        return found

    return follow


def main(program: str, *arguments: str) -> None:
    """Answers every line until there is no more."""
    import numpy as np

    follow = handflow_follower() if program == "handflow" else mediapipe_follower(*arguments)
    for line in sys.stdin:
        path, hands, out = json.loads(line)
        with np.load(path, allow_pickle=False) as archive:
            found = follow(archive["frames"], archive["timestamps"], hands)
        with open(out, "w", encoding="utf-8") as file:  # noqa: PTH123 - one habit less for the peers' Python
            json.dump(found, file)
        print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
