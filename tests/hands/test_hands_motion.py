"""Hands that move, leave, come back and cross: followed in rendered pixels by the real hand models."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from handflow.bench.hands import make_frames
from handflow.bench.moving import FOUND, STILL, StillHand, moving_frames, still_hand
from handflow.bench.tracking_conditions import conditions
from handflow.bench.tracking_scenes import stage_streams
from handflow.hands import HandLandmarker, HandLandmarkerConfig, HandModels, HandSlots
from handflow.hands.landmark import LandmarkResult
from handflow.hands.lookout import IDLE_AFTER
from handflow.hands.palm import Palm, PalmDetector
from handflow.hands.track import LONGEST_DOUBT
from handflow.synth.render import render_frames
from handflow.types import Float32, Frame, Hands, Image, Region

FPS = 30.0


@pytest.fixture(scope="module")
def landmarker(hand_models: HandModels) -> HandLandmarker:
    return HandLandmarker(HandLandmarkerConfig(max_hands=2), models=hand_models)


@pytest.fixture(scope="module")
def hand(hand_models: HandModels, tmp_path_factory: pytest.TempPathFactory) -> StillHand:
    """A rendered hand, to be moved through the picture."""
    frame = next(iter(render_frames(make_frames(1, 2, 5))))
    path = tmp_path_factory.mktemp("hand") / "hand.png"
    cv2.imwrite(str(path), frame.image[:, :, ::-1])
    still = still_hand(path, HandLandmarker(models=hand_models))
    assert still is not None
    return still


def follow(
    landmarker: HandLandmarker, images: Iterator[Image] | list[Image], fps: float = FPS
) -> list[Hands]:
    landmarker.reset()
    return [landmarker.update(Frame(image, k / fps, k)) for k, image in enumerate(images)]


def error(hands: Hands, truth: Float32) -> float:
    return min(
        (float(np.linalg.norm(h.landmarks[:, :2] - truth, axis=1).mean()) for h in hands.hands),
        default=float("inf"),
    )


def without_hand(hand: StillHand) -> Image:
    """The picture with the hand painted over."""
    image = next(iter(moving_frames(hand, "wave", 30.0, blurred=False)))[0].copy()
    low, high = hand.landmarks.min(axis=0).astype(int) - 40, hand.landmarks.max(axis=0).astype(int) + 40
    image[max(low[1], 0) : high[1], max(low[0], 0) : high[0]] = 90
    return image


@pytest.mark.parametrize(("speed", "blurred", "share"), [(60.0, False, 0.95), (60.0, True, 0.85)])
def test_a_fast_hand_is_found_nearly_always_and_keeps_its_track(
    speed: float, blurred: bool, share: float, landmarker: HandLandmarker, hand: StillHand
) -> None:
    images, shifts = zip(*moving_frames(hand, "wave", speed, blurred=blurred), strict=True)
    results = follow(landmarker, list(images))[STILL:]
    found = [
        error(r, hand.landmarks + np.array([s, 0])) < FOUND
        for r, s in zip(results, shifts[STILL:], strict=True)
    ]
    assert np.mean(found) >= share
    assert {h.track for r in results for h in r.hands} == {0}


def test_a_hand_lost_for_a_moment_is_named_as_lost_and_comes_back_as_itself(
    landmarker: HandLandmarker, hand: StillHand
) -> None:
    shown = next(iter(moving_frames(hand, "wave", 30.0, blurred=False)))[0]
    hidden = without_hand(hand)
    results = follow(landmarker, [shown] * 5 + [hidden] * 4 + [shown] * 3 + [hidden] * 15 + [shown] * 3)
    gap = results[5:9]
    assert all(r.hands == () and r.lost == (0,) for r in gap)
    assert [h.track for h in results[9].hands] == [0]
    assert results[26].lost == ()
    assert [h.track for h in results[-1].hands] == [1]  # that was too long to be sure


def test_the_slot_of_a_lost_hand_is_kept(landmarker: HandLandmarker, hand: StillHand) -> None:
    shown = next(iter(moving_frames(hand, "wave", 30.0, blurred=False)))[0]
    slots = HandSlots()
    results = follow(landmarker, [shown] * 5 + [without_hand(hand)] * 4 + [shown])
    tracks = [slots.update(r).tracks for r in results]
    assert set(tracks) == {tracks[0]}


def test_nothing_is_seen_where_a_hand_was_painted_over(landmarker: HandLandmarker, hand: StillHand) -> None:
    shown = next(iter(moving_frames(hand, "wave", 30.0, blurred=False)))[0]
    after = follow(landmarker, [shown] * 10 + [without_hand(hand)] * 30)[10:]
    assert all(r.hands == () for r in after[int(LONGEST_DOUBT * FPS) + 1 :])


def test_with_nobody_in_sight_it_rests_and_wakes_within_a_fifth_of_a_second(
    hand: StillHand, landmarker: HandLandmarker, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    detect = PalmDetector.detect

    def counted(self: PalmDetector, *place: object) -> object:
        looks.append(len(results))
        return detect(self, *place)  # type: ignore[arg-type]

    monkeypatch.setattr(PalmDetector, "detect", counted)
    shown = next(iter(moving_frames(hand, "wave", 30.0, blurred=False)))[0]
    empty = without_hand(hand)
    seconds = 3
    for late in range(5):  # wherever in the rhythm of looks the hand comes
        results: list[Hands] = []
        looks.clear()
        landmarker.reset()
        asleep = round(IDLE_AFTER * FPS)
        end = asleep + round(seconds * FPS) + late
        for k in range(end + 7):
            image = empty if k < end else shown
            results.append(landmarker.update(Frame(image, k / FPS, k)))
        assert all(r.hands == () for r in results[:end])
        assert sum(asleep < k < end for k in looks) <= 10 * (seconds + 0.2)
        first = next(k for k, r in enumerate(results) if r.hands)
        assert (first - end) / FPS <= 0.2


@pytest.mark.parametrize("fps", [10.0, 30.0, 60.0])
def test_the_same_motion_is_followed_at_any_frame_rate(
    fps: float, landmarker: HandLandmarker, hand: StillHand
) -> None:
    speed = 600.0 / fps  # pixels a frame: the same in each second
    images, shifts = zip(*moving_frames(hand, "wave", speed, blurred=False), strict=True)
    results = follow(landmarker, list(images), fps)
    found = [
        error(r, hand.landmarks + np.array([s, 0])) < FOUND for r, s in zip(results, shifts, strict=True)
    ]
    assert np.mean(found) >= 0.95


def test_steady_landmarks_lie_near_the_raw_ones_and_tremble_less(
    landmarker: HandLandmarker, hand: StillHand
) -> None:
    rng = np.random.default_rng(0)
    shown = next(iter(moving_frames(hand, "wave", 30.0, blurred=False)))[0]
    noisy = [np.clip(shown + rng.normal(0, 14, shown.shape), 0, 255).astype(np.uint8) for _ in range(40)]
    hands = [r.hands[0] for r in follow(landmarker, noisy)[15:]]
    raw, steady = (np.stack([getattr(h, name)[:, :2] for h in hands]) for name in ("landmarks", "steady"))
    assert np.abs(np.diff(steady, axis=0)).mean() < 0.6 * np.abs(np.diff(raw, axis=0)).mean()
    assert np.abs(steady.mean(axis=0) - raw.mean(axis=0)).max() < 3


@pytest.mark.parametrize("name", ["cross, one hides the other", "one hides the other, both go back"])
def test_two_hands_that_cover_each_other_keep_their_tracks(name: str, landmarker: HandLandmarker) -> None:
    row = next(r for r in conditions() if r.name == name)
    staged = next(iter(stage_streams(row.setting, 1, 9500)))
    truth = staged.scene.truth().landmarks[..., :2]
    owners: dict[int, set[int]] = {}
    landmarker.reset()
    for k, frame in enumerate(render_frames(staged.scene)):
        if np.abs(truth[k, 0] - truth[k, 1]).mean() < 60:
            landmarker.update(frame)  # which is which cannot be told where they lie on each other
            continue
        for hand in landmarker.update(frame).hands:
            distances = [np.abs(hand.landmarks[:, :2] - truth[k, slot]).mean() for slot in (0, 1)]
            owners.setdefault(hand.track, set()).add(int(np.argmin(distances)))
    assert sorted(map(sorted, owners.values())) == [[0], [1]]


class Scripted:
    """Hand models that see what a test says: things that stay, each with its presence, 200 pixels apart."""

    def __init__(self, presences: list[float]) -> None:
        self.presences = presences

    def detect(self, image: Image, view: object = None) -> list[Palm]:
        return [Palm(0.9, Region(200.0 * k + 100, 240, 150, 0)) for k in range(len(self.presences))]

    def locate(self, image: Image, region: Region) -> LandmarkResult:
        k = min(max(round((region.x - 100) / 200), 0), len(self.presences) - 1)
        marks = np.zeros((21, 3), np.float32)
        marks[:, 0] = 200 * k + 100 + np.linspace(-20, 20, 21)
        marks[:, 1] = 270 - np.linspace(0, 75, 21)
        return LandmarkResult(marks, marks, self.presences[k], 0.9)


@pytest.mark.parametrize("max_hands", [1, 2, 3, 4])
@pytest.mark.parametrize("presences", [[0.99] * 6, [0.8] * 6, [0.8, 0.8, 0.99, 0.8], [0.99, 0.8]])
def test_no_more_hands_are_reported_than_asked_for(
    max_hands: int, presences: list[float], hand_models: HandModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = HandLandmarker(HandLandmarkerConfig(max_hands=max_hands), models=hand_models)
    scripted = Scripted(presences)
    monkeypatch.setattr(tracker, "_palms", scripted)
    monkeypatch.setattr(tracker, "_landmarks", scripted)
    blank = np.zeros((480, 1300, 3), np.uint8)
    counts = [len(r.hands) + len(r.lost) for r in follow(tracker, [blank] * 60)]
    assert max(counts) == counts[-1] == min(max_hands, len(presences))


def test_a_clear_hand_is_taken_before_dim_things(
    hand_models: HandModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = HandLandmarker(HandLandmarkerConfig(max_hands=1), models=hand_models)
    scripted = Scripted([0.8, 0.99])
    monkeypatch.setattr(tracker, "_palms", scripted)
    monkeypatch.setattr(tracker, "_landmarks", scripted)
    results = follow(tracker, [np.zeros((480, 640, 3), np.uint8)] * 40)
    assert {round(h.presence, 2) for r in results for h in r.hands} == {0.99}


def test_models_of_another_kind_than_asked_for_are_refused(hand_models: HandModels) -> None:
    with pytest.raises(ValueError, match="full"):
        HandLandmarker(HandLandmarkerConfig(model="lite"), models=hand_models)
