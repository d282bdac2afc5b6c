"""`handflow bench hands --data FOLDER`: real photos and videos of hands, mediapipe beside handflow.

Photos lie in `FOLDER/photos`, videos in `FOLDER/videos`, at any depth. Hand size is the longer side of the
box around its landmarks. What a program finds is compared with what mediapipe finds, and in moved photos with
the landmarks that the hand had before it was moved.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from handflow.bench.followers import Follow, Reported
from handflow.bench.moving import FOUND, FPS, PATHS, SPEEDS, STILL, StillHand, moving_frames, still_hand
from handflow.capture import open_source
from handflow.capture.folder import natural_key, read_image
from handflow.hands import HandLandmarker, HandLandmarkerConfig, find_hand_models
from handflow.hands.landmark import LandmarkModel
from handflow.hands.network import Network
from handflow.hands.palm import PalmDetector, View
from handflow.types import Float32, Image, Region

PHOTOS = (".jpg", ".jpeg", ".png")
VIDEOS = (".avi", ".mp4", ".mov", ".mkv", ".webm")
Half = Literal["first", "second"]
"""Constants of the tracker were chosen on the first half of the photos; the second is reported."""
SAME = 0.3
"""Two programs see the same hand where their landmarks differ by less than this share of its size."""
EMPTY_FRAMES, EMPTY_SIZE = 40, (640, 480)
LENIENT = 0.3
"""Score of a palm, and presence of a hand, from which a place of a still photo is not taken for empty."""
EMPTY_VIEWS = 4
"""Parts of each photo that show no hand."""


@dataclass(frozen=True, slots=True)
class MovingRow:
    """One program on the moved photos of one speed."""

    program: str
    speed: float  # pixels a frame
    blurred: bool
    hands: int  # photos
    wave: float  # share of frames found
    sweep: float
    found: float  # of both paths


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """handflow beside mediapipe on real pictures."""

    pictures: str
    frames: int
    hands: int  # that mediapipe finds
    missed: int  # of those, not found by handflow
    more: int  # found by handflow alone
    difference: float  # median, share of hand size


@dataclass(frozen=True, slots=True)
class EmptyRow:
    """One program on pictures without a hand."""

    program: str
    frames: int
    false: int  # frames in which a hand was reported


def photo_paths(folder: Path) -> list[Path]:
    """All photos below `folder/photos`, in natural order of their names."""
    return _files(folder / "photos", PHOTOS)


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    found = (p for p in folder.rglob("*") if p.suffix.lower() in suffixes and p.is_file())
    return sorted(found, key=lambda p: natural_key(p.relative_to(folder).as_posix()))


def still_hands(paths: Sequence[Path], half: Half) -> list[StillHand]:
    """Every second photo in which exactly one hand is found."""
    landmarker = HandLandmarker(HandLandmarkerConfig(max_hands=4))
    hands = [hand for path in paths if (hand := still_hand(path, landmarker)) is not None]
    return hands[("first", "second").index(half) :: 2]


def bench_moving(
    hands: Sequence[StillHand], programs: Mapping[str, Follow], progress: Callable[[str], None]
) -> list[MovingRow]:
    """How often each program finds the moved hand of each photo, one hand asked for."""
    rows = []
    for speed in SPEEDS:
        for blurred in (False, True):
            progress(f"photos moved by {speed:.0f} pixels a frame{', blurred' if blurred else ''}")
            found: dict[str, dict[str, list[bool]]] = {n: {p: [] for p in PATHS} for n in programs}
            for hand in hands:
                for path in PATHS:
                    images, shifts = zip(*moving_frames(hand, path, speed, blurred=blurred), strict=True)
                    times = np.arange(len(images)) / FPS
                    for name, follow in programs.items():
                        results = follow(np.stack(images), times, 1)
                        found[name][path] += [
                            _nearest(result, hand.landmarks + np.array([shift, 0])) < FOUND
                            for result, shift in list(zip(results, shifts, strict=True))[STILL:]
                        ]
            for name, paths in found.items():
                wave, sweep = (float(np.mean(paths[path])) for path in PATHS)
                both = float(np.mean([f for path in PATHS for f in paths[path]]))
                rows.append(MovingRow(name, speed, blurred, len(hands), wave, sweep, both))
    return rows


def _nearest(hands: Sequence[Reported], truth: Float32) -> float:
    """Smallest mean distance of a found hand (21, 2) from the true one, pixels; infinite: none found."""
    return min(
        (float(np.linalg.norm(hand.points - truth, axis=1).mean()) for hand in hands), default=float("inf")
    )


def bench_agreement(
    folder: Path, programs: Mapping[str, Follow], progress: Callable[[str], None]
) -> list[AgreementRow]:
    """How handflow and mediapipe agree on photos (looked at for three frames) and videos, two hands asked."""
    if "mediapipe" not in programs:
        return []
    photos = []
    for path in photo_paths(folder):
        progress(f"photo {path.name}")
        images = np.stack([read_image(path)] * 3)
        photos.append({n: f(images, np.arange(3) / FPS, 2)[-1:] for n, f in programs.items()})
    videos = []
    for path in _files(folder / "videos", VIDEOS):
        progress(f"video {path.name}")
        with open_source(path) as source:
            frames = list(source)
        images, times = np.stack([f.image for f in frames]), np.array([f.timestamp for f in frames])
        videos.append({n: f(images, times, 2) for n, f in programs.items()})
    return [_agreement(what, seen) for what, seen in (("photos", photos), ("videos", videos)) if seen]


def _agreement(what: str, seen: Sequence[Mapping[str, list[list[Reported]]]]) -> AgreementRow:
    frames = hands = missed = more = 0
    differences = []
    for streams in seen:
        for ours, theirs in zip(streams["handflow"], streams["mediapipe"], strict=True):
            frames += 1
            hands += len(theirs)
            near = 0
            for hand in theirs:
                size = float(np.ptp(hand.points, axis=0).max())
                difference = _nearest(ours, hand.points) / size
                if difference < SAME:
                    differences.append(difference)
                    near += 1
            missed += len(theirs) - near
            more += max(len(ours) - near, 0)
    middle = float(np.median(differences)) if differences else float("nan")
    return AgreementRow(what, frames, hands, missed, more, middle)


def bench_empty(
    paths: Sequence[Path], programs: Mapping[str, Follow], progress: Callable[[str], None], seed: int
) -> list[EmptyRow]:
    """False hands in parts of photos that show none: rooms, clothes, heads, legs. The view sways a little."""
    counts = dict.fromkeys(programs, 0)
    frames = 0
    for path in paths:
        progress(f"places without a hand in {path.name}")
        for view in empty_views(read_image(path), seed):
            images = np.stack(list(swaying(view)))
            frames += len(images)
            for name, follow in programs.items():
                counts[name] += sum(bool(h) for h in follow(images, np.arange(len(images)) / FPS, 2))
    return [EmptyRow(name, frames, count) for name, count in counts.items()]


def empty_views(photo: Image, seed: int) -> list[Image]:
    """Parts of a photo, 640×480, away from all that the models take for a hand in the still photo.

    They are asked leniently, at three scales, so that small hands in the background are left out as well.
    """
    models = find_hand_models()
    palms, landmarks = PalmDetector(Network(models.palm), LENIENT), LandmarkModel(Network(models.landmark))
    height, width = photo.shape[:2]
    looks = [
        View(int(x * width), int(y * height), int((x + share) * width), int((y + share) * height))
        for share, steps in ((1.0, 1), (2 / 3, 3), (1 / 3, 6))
        for x in np.linspace(0, 1 - share, steps)
        for y in np.linspace(0, 1 - share, steps)
    ]
    found = [palm.region for look in looks for palm in palms.detect(photo, look)]
    taken = [region for region in found if landmarks.locate(photo, region).presence >= LENIENT]
    rng = np.random.default_rng(seed)
    views: list[Image] = []
    for _ in range(400):
        scale = rng.uniform(0.35, 1.0) * min(width / 4, height / 3)
        w, h = int(4 * scale), int(3 * scale)
        x, y = int(rng.uniform(0, width - w)), int(rng.uniform(0, height - h))
        if any(_touches(r, x, y, w, h) for r in taken):
            continue
        part = cv2.resize(photo[y : y + h, x : x + w], EMPTY_SIZE, interpolation=cv2.INTER_AREA)
        views.append(np.asarray(part, np.uint8))
        if len(views) == EMPTY_VIEWS:
            break
    return views


def _touches(region: Region, x: int, y: int, width: int, height: int) -> bool:
    half = 0.55 * region.size
    return (
        x < region.x + half and region.x - half < x + width
        and y < region.y + half and region.y - half < y + height
    )  # fmt: skip


def swaying(view: Image) -> Iterator[Image]:
    """A view, moved to and fro a little, as a camera that is not quite still sees it."""
    for k in range(EMPTY_FRAMES):
        sway = 8 * np.sin(k / 5)
        matrix = np.array([[1, 0, sway], [0, 1, sway / 2]], np.float32)
        yield np.asarray(cv2.warpAffine(view, matrix, EMPTY_SIZE, borderMode=cv2.BORDER_REPLICATE), np.uint8)
