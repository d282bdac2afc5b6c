"""What image networks see: live as recorded, sampled by time, motion without place, true silhouettes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from handflow.errors import DatasetError, ModelFileError
from handflow.hands.silhouette import draw_silhouettes
from handflow.recognize import ModelInfo, read_model_info
from handflow.recognize.model_folder import Pictures, write_model_info
from handflow.recognize.picture_recognizer import PictureRecognizer
from handflow.recognize.pictures import (
    INPUTS,
    PICTURE_VERSION,
    InputKind,
    PictureInput,
    sampled_frames,
    stored_picture,
    window_box,
    window_pictures,
)
from handflow.synth.clips import SyntheticClip, make_clip
from handflow.synth.paint import HandPainter
from handflow.synth.person import random_person
from handflow.synth.render import hand_layers, render_frames
from handflow.types import Clip, Frame, HandSequence
from recognize.test_recognize_recognizer import LABELS, hands_of, model_info, nothing

SECONDS = 0.7
SIZE = (320, 240)


def given_of(kind: InputKind, frames: int = 6) -> PictureInput:
    return PictureInput(kind, frames, 72, 96)


def picture_info(kind: InputKind, **changes: object) -> ModelInfo:
    shown = Pictures(frames=6, height=72, width=96, whole_clip=bool(changes.pop("whole_clip", False)))
    return model_info(input_kind=kind, pictures=shown, window_seconds=SECONDS, **changes)


class Seeing:
    """A network that remembers what it is shown."""

    def __init__(self) -> None:
        self.windows: list[np.ndarray] = []

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        self.windows += [window.copy() for window in windows]
        return np.full((len(windows), len(LABELS)), 1 / len(LABELS), np.float32)


def unasked(windows: np.ndarray) -> np.ndarray:
    raise AssertionError("the network is asked about a window without hands")


@dataclass(frozen=True)
class Shown:
    """Pictures of a clip, in memory."""

    frames: list[Frame]
    fingerprint: str = "shown"

    def __iter__(self) -> Iterator[Frame]:
        return iter(self.frames)


@cache
def rendered() -> tuple[SyntheticClip, list[Frame]]:
    """A hand that goes left; two seconds, so that a live buffer drops its first frames."""
    person = random_person(5, hand="right")
    made = make_clip("hand_left", person, 3, fps=16, seconds=2.0, substeps=None, second_hand=False)
    return made, list(render_frames(made.scene))


def part(sequence: HandSequence, frames: np.ndarray | slice) -> HandSequence:
    return HandSequence(
        sequence.landmarks[frames],
        sequence.timestamps[frames],
        sequence.handedness[frames],
        sequence.presence[frames],
    )


@pytest.mark.parametrize("kind", INPUTS)
def test_live_windows_equal_those_of_the_recorded_clip(kind: InputKind) -> None:
    made, frames = rendered()
    kept = np.array([k for k in range(len(frames)) if k not in {5, 6, 14, 22}])  # a source that drops some
    sequence, given = part(made.clip.sequence, kept), given_of(kind)
    stored = [stored_picture(frames[k].image, given) for k in kept]
    network = Seeing()
    recognizer = PictureRecognizer(picture_info(kind), network)
    compared = 0
    for number, k in enumerate(kept):
        before = len(network.windows)
        end = float(sequence.timestamps[number])
        image = frames[k].image if recognizer.needs_pictures else None
        recognizer.update(hands_of(sequence, number), end, int(k), image)
        if len(network.windows) == before:
            continue
        compared += 1
        upto = part(sequence, slice(number + 1))
        expected = window_pictures(upto, stored[: number + 1], SIZE, end, SECONDS, given)
        np.testing.assert_array_equal(network.windows[-1], expected)
        # The recording that goes on says the same: no window looks ahead.
        np.testing.assert_array_equal(window_pictures(sequence, stored, SIZE, end, SECONDS, given), expected)
    assert compared >= 12
    assert len({window.tobytes() for window in network.windows}) == compared, "all windows differ"


@pytest.mark.parametrize("kind", INPUTS)
def test_a_clip_is_scored_on_windows_that_live_frames_give(kind: InputKind) -> None:
    made, frames = rendered()
    clip = replace(made.clip, frames=Shown(frames))
    network, given = Seeing(), given_of(kind)
    PictureRecognizer(picture_info(kind), network).classify(clip)
    stored = [stored_picture(frame.image, given) for frame in frames]
    end = float(clip.sequence.timestamps[-1])
    np.testing.assert_array_equal(
        network.windows[-1], window_pictures(clip.sequence, stored, SIZE, end, SECONDS, given)
    )
    assert len(network.windows) > 5
    whole = Seeing()
    PictureRecognizer(picture_info(kind, whole_clip=True), whole).classify(clip)
    expected = window_pictures(clip.sequence, stored, SIZE, end, clip.sequence.duration, given)
    assert len(whole.windows) == 1
    np.testing.assert_array_equal(whole.windows[0], expected)


RATES = {
    "10 a second": (10, ()),
    "15 a second": (15, ()),
    "30 a second": (30, ()),
    "30 a second, some dropped": (30, (8, 9, 10, 20, 21, 27)),
}


@pytest.mark.parametrize(("fps", "dropped"), RATES.values(), ids=RATES)
@pytest.mark.parametrize("end", [0.3, 0.9, 1.21])
def test_pictures_are_the_nearest_in_time_and_never_later_than_the_end(
    fps: int, dropped: tuple[int, ...], end: float
) -> None:
    times = np.array([k / fps for k in range(2 * fps) if k not in dropped])
    # Each picture's grey is its time in centiseconds.
    clock = [np.full((72, 96, 3), round(100 * t), np.uint8) for t in times]
    sequence = part(nothing(len(times)), slice(None))
    sequence = HandSequence(sequence.landmarks, times, sequence.handedness, sequence.presence)
    given = given_of("full")
    seen = window_pictures(sequence, clock, (96, 72), end, 0.6, given)[:, 0, 0, 0] / 100
    assert (seen <= end + 0.005).all()
    there = times[times <= end + 1e-6]
    moments = np.clip(np.linspace(end - 0.6, end, given.frames), there[0], there[-1])
    nearest = np.abs(there[None] - moments[:, None]).min(axis=1)
    np.testing.assert_allclose(np.abs(seen - moments), nearest, atol=0.006)


@pytest.mark.parametrize(("fps", "dropped"), RATES.values(), ids=RATES)
def test_masks_are_nearly_the_same_at_any_rate(fps: int, dropped: tuple[int, ...]) -> None:
    person, given = random_person(5, hand="right"), given_of("mask")

    def masks(rate: int, without: tuple[int, ...]) -> np.ndarray:
        made = make_clip("hand_left", person, 3, fps=rate, seconds=2.0, second_hand=False)
        kept = np.array([k for k in range(len(made.clip.sequence)) if k not in without])
        sequence = part(made.clip.sequence, kept)
        return window_pictures(sequence, None, SIZE, middle, 0.9, given)

    exact = make_clip("hand_left", person, 3, fps=60, seconds=2.0, second_hand=False)
    assert exact.onset is not None
    assert exact.offset is not None
    middle = (exact.onset + exact.offset) / 2 + 0.3
    fine, coarse = masks(60, ()) > 127, masks(fps, dropped) > 127
    assert (fine & coarse).sum() / (fine | coarse).sum() > 0.8
    # So much that a hand that stood still would fail.
    assert (fine[0] & fine[-1]).sum() / (fine[0] | fine[-1]).sum() < 0.6


def test_frames_later_than_the_end_change_nothing() -> None:
    made, _ = rendered()
    sequence = made.clip.sequence
    end = float(sequence.timestamps[18])
    shifted = sequence.landmarks.copy()
    shifted[19:] += 500
    other = HandSequence(shifted, sequence.timestamps, sequence.handedness, sequence.presence)
    first, second = (
        window_pictures(s, None, SIZE, end, SECONDS, given_of("mask")) for s in (sequence, other)
    )
    assert first.any()
    np.testing.assert_array_equal(first, second)


def test_a_tie_goes_to_the_earlier_frame_and_gaps_are_no_trouble() -> None:
    times = np.array([0.0, 0.1, 0.9, 1.0])
    assert sampled_frames(times, 1.0, 1.0, given_of("full", 3)).tolist() == [0, 1, 3]
    assert sampled_frames(times, -5.0, 1.0, given_of("full", 2)).tolist() == [0, 0]


def in_a_larger_picture(
    sequence: HandSequence, frames: list[Frame], scale: float, x: int, y: int
) -> tuple[HandSequence, list[np.ndarray]]:
    """The same clip, larger or smaller, at another place of a picture of 640×480."""
    marks = sequence.landmarks * np.float32(scale) + np.array([x, y, 0], np.float32)
    pictures = []
    for frame in frames:
        size = (round(SIZE[0] * scale), round(SIZE[1] * scale))
        whole = np.zeros((480, 640, 3), np.uint8)
        whole[y : y + size[1], x : x + size[0]] = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
        pictures.append(whole)
    return HandSequence(marks, sequence.timestamps, sequence.handedness, sequence.presence), pictures


@pytest.mark.parametrize("kind", ["crop", "mask"])
@pytest.mark.parametrize(("scale", "x", "y"), [(1.0, 300, 200), (1.5, 40, 90), (0.75, 10, 290)])
def test_place_and_scale_go_and_motion_stays(kind: InputKind, scale: float, x: int, y: int) -> None:
    made, frames = rendered()
    sequence, given = made.clip.sequence, given_of(kind)
    elsewhere, pictures = in_a_larger_picture(sequence, frames, scale, x, y)
    assert made.offset is not None
    end = float(sequence.timestamps[np.searchsorted(sequence.timestamps, made.offset)])
    here = window_pictures(
        sequence, [stored_picture(f.image, given) for f in frames], SIZE, end, SECONDS, given
    )
    there = window_pictures(
        elsewhere, [stored_picture(p, given) for p in pictures], (640, 480), end, SECONDS, given
    )
    difference = np.abs(here.astype(int) - there)
    moved = np.abs(here[0].astype(int) - here[-1]).mean()
    assert difference.mean() < (1.0 if kind == "mask" else 8.0)
    assert difference.mean() < 0.25 * moved, "motion must not go with place"


def test_the_box_holds_all_hands_of_the_window_in_the_proportions_of_the_input() -> None:
    made, _ = rendered()
    given = PictureInput("mask", 6, 60, 120)
    end = float(made.clip.sequence.timestamps[-1])
    box = window_box(made.clip.sequence, end, 1.2, given)
    assert box is not None
    assert box.width / box.height == pytest.approx(2)
    inside = made.clip.sequence.timestamps >= end - 1.2
    points = made.clip.sequence.landmarks[inside][:, 1, :, :2]
    assert (points > [box.x, box.y]).all()
    assert (points < [box.x + box.width, box.y + box.height]).all()


@pytest.mark.parametrize("kind", INPUTS)
def test_a_window_without_hands_is_background_and_asks_nobody(kind: InputKind) -> None:
    recognizer = PictureRecognizer(picture_info(kind), unasked)
    sequence, grey = nothing(30), np.full((240, 320, 3), 120, np.uint8)
    for frame in range(30):
        scores = recognizer.update(hands_of(sequence, frame), float(sequence.timestamps[frame]), frame, grey)
        assert scores.probabilities.tolist() == [0, 0, 1]
    given = given_of(kind)
    window = window_pictures(sequence, [stored_picture(grey, given)] * 30, SIZE, 0.9, SECONDS, given)
    assert window.any() == (kind == "full")
    clip = Clip("one", "hand_left", sequence, SIZE, frames=Shown([Frame(grey, k / 30, k) for k in range(30)]))
    assert PictureRecognizer(picture_info(kind), unasked).classify(clip).tolist() == [0, 0, 1]


@pytest.mark.parametrize("kind", INPUTS)
def test_hands_that_were_gone_before_the_window_began_are_not_asked_about(kind: InputKind) -> None:
    made, frames = rendered()
    sequence = made.clip.sequence
    assert sequence.seen[8:12].any(axis=1).all()
    marks = sequence.landmarks.copy()
    marks[12:] = np.nan
    gone = HandSequence(marks, sequence.timestamps, sequence.handedness, sequence.presence)
    network = Seeing()
    recognizer = PictureRecognizer(picture_info(kind), network)
    for frame in range(len(gone)):
        end, asked = float(gone.timestamps[frame]), len(network.windows)
        scores = recognizer.update(hands_of(gone, frame), end, frame, frames[frame].image)
        if end - SECONDS > gone.timestamps[11] + 0.06:
            assert scores.probabilities.tolist() == [0, 0, 1]
            assert len(network.windows) == asked
    assert network.windows, "as long as hands are seen it is asked"
    clip = Clip("one", "hand_left", gone, SIZE, frames=Shown(frames))
    sliding = Seeing()
    PictureRecognizer(picture_info(kind), sliding).classify(clip)
    assert sliding.windows
    if kind != "full":
        assert all(window.any() for window in sliding.windows)


LETTERBOXES = {
    "as wide as the input": ((320, 240), (96, 72)),
    "wider": ((640, 360), (96, 54)),
    "upright": ((360, 640), (40, 72)),
    "square and smaller": ((48, 48), (72, 72)),
    "a line": ((2000, 4), (96, 1)),
}


@pytest.mark.parametrize(("size", "inner"), LETTERBOXES.values(), ids=LETTERBOXES)
def test_the_whole_picture_keeps_its_proportions(size: tuple[int, int], inner: tuple[int, int]) -> None:
    white = np.full((size[1], size[0], 3), 255, np.uint8)
    picture = stored_picture(white, given_of("full"))
    assert picture.shape == (72, 96, 3)
    assert set(np.unique(picture)) <= {0, 255}
    rows, columns = np.flatnonzero(picture.any(axis=(1, 2))), np.flatnonzero(picture.any(axis=(0, 2)))
    assert (len(columns), len(rows)) == inner
    assert abs(rows[0] - (71 - rows[-1])) <= 1, "black beside it on both sides alike"
    assert abs(columns[0] - (95 - columns[-1])) <= 1


def hand_pixels(made: SyntheticClip, painter: HandPainter, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the renderer painted a hand, and where its forearm begins: a rim's width behind the wrist."""
    width, height = SIZE
    cover, arm = np.zeros((height, width), np.float32), np.zeros((height, width), bool)
    for layer in hand_layers(painter, made.scene, frame):
        x0, y0 = max(layer.x, 0), max(layer.y, 0)
        piece = layer.rgba[y0 - layer.y : height - layer.y, x0 - layer.x : width - layer.x, 3]
        target = cover[y0 : y0 + piece.shape[0], x0 : x0 + piece.shape[1]]
        np.maximum(target, piece, out=target)
    y, x = np.mgrid[:height, :width] + 0.5
    for hand in made.clip.sequence.landmarks[frame]:
        if np.isfinite(hand).all():
            wrist = hand[0, :2]
            back = wrist - hand[[9, 13], :2].mean(axis=0)
            length = np.hypot(*back)
            arm |= ((x - wrist[0]) * back[0] + (y - wrist[1]) * back[1]) / length > 0.1 * length
    return (cover >= 0.5) & ~arm, arm


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


POSES = ("hold_open", "pinch", "hand_up", "hold_fist")


def test_silhouettes_cover_the_hand_that_the_renderer_painted() -> None:
    found = []
    for person in range(5):
        for take, gesture in enumerate(POSES):
            made = make_clip(
                gesture, random_person(300 + person), take, fps=3, seconds=1.4, substeps=None,
                second_hand=False,
            )  # fmt: skip
            painter = HandPainter(made.scene.look, made.scene.camera, made.scene.background_seed)
            for frame in range(len(made.clip.sequence)):
                truth, arm = hand_pixels(made, painter, frame)
                if truth.sum() > 200:
                    drawn = draw_silhouettes(made.clip.sequence.landmarks[frame], SIZE) > 127
                    found.append(overlap(drawn & ~arm, truth))
    assert len(found) > 40
    assert np.mean(found) > 0.81
    assert np.min(found) > 0.6


def test_masks_lie_on_the_hands_of_the_crops() -> None:
    made, _ = rendered()
    sequence = made.clip.sequence
    painter = HandPainter(made.scene.look, made.scene.camera, made.scene.background_seed)
    # Pictures of a hand without an arm, white on black: a crop of them is what a mask should be.
    white = [
        np.repeat(np.uint8(255) * hand_pixels(made, painter, k)[0][..., None].astype(np.uint8), 3, axis=2)
        for k in range(len(sequence))
    ]
    given = given_of("crop", 2)
    for last in range(8, len(sequence), 3):
        end, seconds = (
            float(sequence.timestamps[last]),
            float(np.ptp(sequence.timestamps[last - 3 : last + 1])),
        )
        crop = window_pictures(sequence, white, SIZE, end, seconds, given)
        mask = window_pictures(sequence, None, SIZE, end, seconds, given_of("mask", 2))
        assert overlap(crop > 127, mask > 127) > 0.7


def test_model_json_keeps_what_it_says_about_pictures(tmp_path: Path) -> None:
    info = picture_info("crop", whole_clip=True)
    write_model_info(tmp_path, info)
    again = read_model_info(tmp_path)
    assert again == info
    assert again.picture_input == given_of("crop")
    assert again.pictures is not None
    assert again.pictures.whole_clip


def test_landmark_models_look_at_no_pictures() -> None:
    assert model_info().picture_input is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pictures": {"frames": 6, "height": 72, "width": 96, "version": PICTURE_VERSION + 1}},
         f"version {PICTURE_VERSION + 1}.*train the model again"),
        ({"pictures": None}, "train the model again"),
        ({"pictures": {"frames": 1, "height": 72, "width": 96, "version": PICTURE_VERSION}}, "damaged"),
        ({"input_kind": "smell"}, "train the model again"),
    ],
    ids=["another version", "nothing said", "one frame", "unknown input"],
)  # fmt: skip
def test_a_model_of_other_pictures_is_refused_in_one_line(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    write_model_info(tmp_path, picture_info("mask"))
    path = tmp_path / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelFileError, match=message) as raised:
        read_model_info(tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", INPUTS)
def test_pictures_that_are_missing_are_asked_for_where_they_are_needed(kind: InputKind) -> None:
    made, _ = rendered()
    recognizer = PictureRecognizer(picture_info(kind), Seeing())
    assert recognizer.needs_pictures == (kind != "mask")
    hands = hands_of(made.clip.sequence, 0)
    if not recognizer.needs_pictures:
        recognizer.update(hands, 0.0, 0)
        assert recognizer.classify(made.clip).sum() == pytest.approx(1)
        return
    with pytest.raises(ValueError, match=f"'{kind}' is cut from pictures"):
        recognizer.update(hands, 0.0, 0)
    with pytest.raises(
        DatasetError, match=f"'{made.clip.id}' holds landmarks alone.*name a dataset"
    ) as raised:
        recognizer.classify(made.clip)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "frames", "message"), [("smell", 8, "full, crop, mask"), ("mask", 1, "2 to 64")]
)
def test_an_input_that_cannot_be_is_refused(kind: InputKind, frames: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PictureInput(kind, frames, 72, 96)
