"""Pictures of a synthetic hand, long enough to record takes from, for tests that run whole programs."""

import os
from functools import cache
from itertools import islice
from pathlib import Path

import cv2

from handflow.types import Image


@cache
def _pictures() -> tuple[Image, ...]:
    from handflow.synth.clips import make_clip
    from handflow.synth.person import random_person
    from handflow.synth.render import render_frames

    scene = make_clip("hand_right", random_person(3), 3).scene
    return tuple(frame.image for frame in islice(render_frames(scene), 10, 30))


def write_moving_hand(folder: Path, count: int) -> Path:
    """Fills a folder with `count` images, 320x240, of a hand that moves to and fro."""
    folder.mkdir()
    pictures = _pictures()
    for n in range(count):
        turn, step = divmod(n, len(pictures))
        path = folder / f"frame{n}.jpg"
        if turn < 2:
            order = step if turn == 0 else len(pictures) - 1 - step
            cv2.imwrite(str(path), cv2.cvtColor(pictures[order], cv2.COLOR_RGB2BGR))
        else:  # the same picture again takes no room
            os.link(folder / f"frame{n - 2 * len(pictures)}.jpg", path)
    return folder
