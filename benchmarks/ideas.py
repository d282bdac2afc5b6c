"""What each idea of the tracker brings: all of them, then each one switched off in turn.

On the second half of the photos below FOLDER/photos (the tracker's constants were chosen on the first): hands
moved by 60 and 90 pixels a frame with blur, hands 40 pixels small, places without a hand, and looks a frame.

    python benchmarks/ideas.py FOLDER
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np

from handflow.bench.moving import FOUND, FPS, PATHS, SIZE, STILL, StillHand, moving_frames
from handflow.bench.photos import EMPTY_VIEWS, empty_views, photo_paths, still_hands, swaying
from handflow.capture.folder import read_image
from handflow.hands import HandLandmarker, HandLandmarkerConfig, landmarker, lookout, track
from handflow.hands.palm import View
from handflow.types import Frame, Image, Region

SMALL, SMALL_FRAMES = 40.0, 15


def constants(module: object, **values: float) -> Callable[[], AbstractContextManager[None]]:
    @contextmanager
    def changed() -> Iterator[None]:
        with ExitStack() as stack:
            for name, value in values.items():
                stack.enter_context(patch.object(module, name, value))
            yield

    return changed


def whole_pictures_only() -> AbstractContextManager[object]:
    def views(self: lookout.Lookout, time: float, size: tuple[int, int], **hands: object) -> list[View]:
        found = plain(self, time, size, **hands)
        return [View(0, 0, *size)] if found else []

    plain = lookout.Lookout.views
    return patch.object(lookout.Lookout, "views", views)


def no_palms_after_a_loss() -> AbstractContextManager[object]:
    def views(self: lookout.Lookout, time: float, size: tuple[int, int], **hands: list[Region]) -> list[View]:
        return plain(self, time, size, seen=hands["seen"] + hands["lost"], lost=[])

    plain = lookout.Lookout.views
    return patch.object(lookout.Lookout, "views", views)


def no_prediction() -> AbstractContextManager[object]:
    return patch.object(track.Track, "_step", lambda self, time: np.zeros(2))


IDEAS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "everything": ExitStack,
    "without prediction from velocity, and so without several places": no_prediction,
    "without several places": constants(track, GLANCE=np.inf),
    "without a second look off centre": constants(landmarker, SECOND_LOOK=np.inf),
    "without doubtful sights": constants(landmarker, DOUBTFUL=np.inf),
    "without faint palms for lost hands": constants(landmarker, LOST_PALM=0.5),
    "without palms at once after a loss": no_palms_after_a_loss,
    "without growth by speed": constants(track, GROWTH=0.0),
    "without parts of the picture": whole_pictures_only,
    "without proof for new hands": constants(track, PROOF=0.0),
}


def moving(tracker: HandLandmarker, hands: list[StillHand], speed: float) -> float:
    found = []
    for hand in hands:
        for path in PATHS:
            tracker.reset()
            for k, (image, shift) in enumerate(moving_frames(hand, path, speed, blurred=True)):
                seen = tracker.update(Frame(image, k / FPS, k)).hands
                truth = hand.landmarks + np.array([shift, 0])
                errors = [np.linalg.norm(h.landmarks[:, :2] - truth, axis=1).mean() for h in seen]
                if k >= STILL:
                    found.append(min(errors, default=np.inf) < FOUND)
    return float(np.mean(found))


def small(tracker: HandLandmarker, hands: list[StillHand]) -> float:
    found = []
    rng = np.random.default_rng(1)
    for hand in hands:
        for x, y in rng.uniform(0.25, 0.75, (2, 2)) * SIZE:
            tracker.reset()
            image, scale = shrunk(hand, SMALL, x, y)
            middle = (hand.landmarks.mean(axis=0) - np.array(SIZE) / 2) * scale + [x, y]
            for k in range(SMALL_FRAMES):
                seen = tracker.update(Frame(image, k / FPS, k)).hands
                away = [np.hypot(*(h.landmarks[:, :2].mean(axis=0) - middle)) for h in seen]
                found.append(min(away, default=np.inf) < SMALL / 2)
    return float(np.mean(found))


def shrunk(hand: StillHand, size: float, x: float, y: float) -> tuple[Image, float]:
    """The photo with the hand this large at (x, y), and by how much it is smaller than usual."""
    scale = size / float(np.ptp(hand.landmarks, axis=0).max())
    step = np.array([[scale, 0, x - scale * SIZE[0] / 2], [0, scale, y - scale * SIZE[1] / 2]])
    matrix = step @ np.vstack([hand.matrix, [0, 0, 1]])
    factor = min(matrix[0, 0], 1.0)
    picture = cv2.resize(hand.image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    matrix[:, :2] /= factor
    laid = cv2.warpAffine(picture, matrix, SIZE, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(laid, np.uint8), scale


def false(tracker: HandLandmarker, views: list[Image]) -> float:
    wrong = []
    for view in views:
        tracker.reset()
        wrong += [bool(tracker.update(Frame(f, k / FPS, k)).hands) for k, f in enumerate(swaying(view))]
    return float(np.mean(wrong))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", help="ideas whose names hold this")
    options = parser.parse_args()
    paths = photo_paths(options.folder)
    hands = still_hands(paths, "second")
    views = [v for p in paths[1::2] for v in empty_views(read_image(p), 1)]
    print(f"{len(hands)} hands, {len(views)} places without one ({EMPTY_VIEWS} a photo)")
    print("| | 60 px blurred | 90 px blurred | 40 px small | false | looks a frame at 60 px |")
    print("|---|---|---|---|---|---|")
    for name, change in IDEAS.items():
        if options.only and options.only not in name:
            continue
        with change():
            one, two = (HandLandmarker(HandLandmarkerConfig(max_hands=n)) for n in (1, 2))
            looks, frames = 0, 0
            plain_look, plain_update = HandLandmarker._look, HandLandmarker.update

            def look(self: HandLandmarker, *place: object, plain: object = plain_look) -> object:
                nonlocal looks
                looks += 1
                return plain(self, *place)  # type: ignore[operator]

            def update(self: HandLandmarker, frame: Frame, plain: object = plain_update) -> object:
                nonlocal frames
                frames += 1
                return plain(self, frame)  # type: ignore[operator]

            with patch.object(HandLandmarker, "_look", look), patch.object(HandLandmarker, "update", update):
                fast = moving(one, hands, 60.0)
                cost = looks / frames
            results = (fast, moving(one, hands, 90.0), small(two, hands), false(two, views))
        print(f"| {name} | " + " | ".join(f"{r:.1%}" for r in results) + f" | {cost:.2f} |", flush=True)


if __name__ == "__main__":
    main()
