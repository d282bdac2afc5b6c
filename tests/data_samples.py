"""Small clips and recordings that tests of the data room and its commands share."""

import time
from pathlib import Path

import av
import numpy as np

from handflow.data.dataset import Dataset
from handflow.data.pictures import encode_jpeg
from handflow.hands import HandLandmarkerConfig
from handflow.types import Clip, Frame, Hand, Hands, HandSequence, Region

OPEN_HAND = np.array(
    [(0, 0), (-30, -20), (-50, -40), (-65, -60), (-80, -75), (-25, -90), (-30, -125), (-32, -150),
     (-34, -170),
     (0, -95), (0, -135), (0, -160), (0, -185), (22, -90), (25, -125), (27, -150), (28, -170), (42, -80),
     (48, -105), (52, -120), (55, -135)],
    np.float32,
)  # fmt: skip
"""(21, 2) pixels, wrist at the origin: a right hand seen from its palm."""


def moving_hand(direction=(1.0, 0.0), frames=20, fps=20.0, seed=0, slot=1, missing=0.0):
    """An open hand that moves 250 pixels in a direction; a share of its last frames shows no hand."""
    chance = np.random.default_rng(seed)
    landmarks = np.full((frames, 2, 21, 3), np.nan, np.float32)
    path = np.linspace(-125, 125, frames)[:, None] * np.array(direction) + chance.normal(0, 4, 2) + (320, 280)
    hand = OPEN_HAND * chance.uniform(0.8, 1.2) + chance.normal(0, 1, (21, 2))
    landmarks[:, slot, :, :2] = hand + path[:, None]
    landmarks[:, slot, :, 2] = 0
    landmarks[frames - round(missing * frames) :] = np.nan
    seen = np.isfinite(landmarks).all(axis=(2, 3))
    handedness = np.where(seen, np.array([0.02, 0.98]), np.nan).astype(np.float32)
    return HandSequence(landmarks, np.arange(frames) / fps, handedness, seen.astype(np.float32))


def clip(id="", label="left", direction=(-1.0, 0.0), subject=None, session=None, **how):
    return Clip(id, label, moving_hand(direction, **how), (640, 480), subject, session, "test")


DIRECTIONS = {"left": (-1.0, 0.0), "right": (1.0, 0.0), "up": (0.0, -1.0)}


def make_dataset(path: Path, takes=6, gestures=("left", "right")) -> Dataset:
    """A healthy dataset of landmarks: every gesture is a direction."""
    dataset = Dataset.create(path)
    for g, gesture in enumerate(gestures):
        for take in range(takes):
            seed = 100 * g + take
            made = clip(
                f"{gesture}-{take}", gesture, DIRECTIONS[gesture], seed=seed, session=f"day{take % 2}"
            )
            dataset.add(made)
    return dataset


def picture(number=0, size=(64, 48)):
    """A smooth picture, bright up to a column that its number gives: JPEG keeps it nearly exactly."""
    image = np.full((size[1], size[0], 3), 30, np.uint8)
    image[:, : 8 * (number % (size[0] // 8) + 1)] = (200, 160, 120)
    return image


def pictures(count=5, size=(64, 48), fps=30.0):
    return [Frame(picture(n, size), n / fps, n) for n in range(count)]


def write_article(root: Path, names: dict[str, list[str]], count=4) -> None:
    """Folders GESTURE/TAKE with pictures; the numbers in file names are one ahead, as in the article."""
    for gesture, takes in names.items():
        for n, take in enumerate(takes):
            folder = root / gesture / take
            folder.mkdir(parents=True)
            for k in range(count):
                path = folder / f"{gesture}_sequence{n + 1}_frame{k}.jpg"
                path.write_bytes(encode_jpeg(picture(k)))


def write_video(path: Path, frames=6, fps=20):
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 64, 48, "yuv420p", 2_000_000
        for n in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(n), format="rgb24")))
        container.mux(stream.encode())


def files_of(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*")}


class BrightHand:
    """A landmarker that sees a hand as far right as the picture is bright; none in dark pictures."""

    def __init__(self, config=HandLandmarkerConfig()):
        self.version = config.version

    def reset(self):
        self.track = 0

    def update(self, frame):
        x = float((frame.image[:, :, 0] > 110).any(axis=0).sum())
        points = np.column_stack([OPEN_HAND / 10 + (x, 24), np.zeros(21)]).astype(np.float32)
        hand = Hand(points, points, points, 0.9, 0.95, "right", self.track, Region(x, 24, 20, 0))
        return Hands((hand,) if x else (), frame.timestamp, frame.index, frame.size)


class SlowHand(BrightHand):
    def update(self, frame):
        time.sleep(0.05)
        return super().update(frame)
