"""Hands are found in real photos and followed through real videos and pictures of the synthetic hand."""

import dataclasses
import json
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from handflow.bench.peers import pack_task, peers_python
from handflow.hands import HandLandmarker, HandLandmarkerConfig, HandModels, crop_hand, draw_hands, hand_size
from handflow.hands.crop import crop_matrix
from handflow.hands.landmark import region_of
from handflow.types import Frame, HandLandmark, Image, Region
from needs import ROOT, need, real_data


@pytest.fixture(scope="module")
def landmarker(hand_models: HandModels) -> HandLandmarker:
    return HandLandmarker(models=hand_models)


def photo(name: str) -> Image:
    path = next((real_data() / "photos").glob(f"{name}*.jpg"))
    return np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])


def look(landmarker: HandLandmarker, image: Image):  # type: ignore[no-untyped-def]
    landmarker.reset()
    return landmarker.update(Frame(image, 0.0, 0))


@pytest.mark.parametrize(
    "values",
    [
        {"max_hands": 0},
        {"max_hands": 5},
        {"min_presence": 1.0},
        {"min_palm_score": 0},
        {"threads": 0},
        {"search_interval": -1},
    ],
)
def test_misuse_fails_at_construction(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        HandLandmarkerConfig(**values)  # type: ignore[arg-type]


def test_a_right_hand_of_an_unmirrored_photo_is_called_right(landmarker: HandLandmarker) -> None:
    """She faces the camera and raises the hand at the left of the picture: her right one."""
    (hand,) = look(landmarker, photo("rock/026fd791")).hands
    assert hand.side == "right"
    assert hand.handedness > 0.9


def test_the_mirrored_photo_shows_a_left_hand_at_the_mirrored_place(landmarker: HandLandmarker) -> None:
    image = photo("rock/026fd791")
    (hand,) = look(landmarker, image).hands
    (mirrored,) = look(landmarker, np.ascontiguousarray(image[:, ::-1])).hands
    assert mirrored.side == "left"
    back = image.shape[1] - 1 - mirrored.landmarks[:, 0]
    assert np.abs(back - hand.landmarks[:, 0]).mean() < 0.05 * hand_size(hand.landmarks)


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (500, 3), (64, 48)])
def test_a_picture_of_any_size_without_a_hand_gives_none(
    size: tuple[int, int], landmarker: HandLandmarker
) -> None:
    assert look(landmarker, np.full((*size, 3), 90, np.uint8)).hands == ()


def test_a_hand_keeps_its_track_while_it_stays_and_for_a_moment_after_it_is_lost(
    landmarker: HandLandmarker,
) -> None:
    image = photo("rock/026fd791")
    landmarker.reset()
    tracks = [landmarker.update(Frame(image, k / 30, k)).hands[0].track for k in range(5)]
    assert tracks == [0] * 5
    blank = np.zeros_like(image)
    assert landmarker.update(Frame(blank, 5 / 30, 5)).hands == ()
    assert landmarker.update(Frame(image, 6 / 30, 6)).hands[0].track == 0  # it was away for a moment only
    for k in range(7, 25):
        assert landmarker.update(Frame(blank, k / 30, k)).hands == ()
    assert landmarker.update(Frame(image, 25 / 30, 25)).hands[0].track == 1


def test_a_hand_that_jumps_is_found_again_on_the_same_frame(landmarker: HandLandmarker) -> None:
    image = photo("rock/026fd791")
    jumped = np.roll(image, image.shape[1] // 2, axis=1)
    landmarker.reset()
    landmarker.update(Frame(image, 0.0, 0))
    assert len(landmarker.update(Frame(jumped, 1 / 30, 1)).hands) == 1


def test_all_frames_of_the_real_videos_have_the_hand(landmarker: HandLandmarker) -> None:
    from handflow.capture import open_source

    for path in sorted((real_data() / "videos").glob("*.avi")):
        landmarker.reset()
        with open_source(path) as source:
            found = [len(landmarker.update(frame).hands) for frame in source]
        assert len(found) > 50
        assert np.mean(np.array(found) >= 1) >= 0.98, path.name


def test_the_crop_stands_upright_and_its_matrix_leads_back() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    cv2.circle(image, (190, 60), 4, (255, 255, 255), cv2.FILLED)
    region = Region(x=150.0, y=100.0, size=160.0, angle=0.6)
    crop = crop_hand(image, region, 100)
    y, x = (float(v.mean()) for v in np.nonzero(crop[:, :, 0] > 128))
    back = crop_matrix(region, 100) @ np.array([x, y, 1.0])
    assert np.abs(back - [190, 60]).max() < 1.5


@pytest.mark.parametrize("angle", np.linspace(-3, 3, 7))
def test_the_next_region_turns_and_moves_with_the_hand(angle: float) -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(0, 5, (21, 3)).astype(np.float32)
    points[:, 1] -= np.array([0, 20, 40, 60, 80] + [25, 50, 75, 99] * 4, np.float32)
    upright = region_of(points)
    c, s = np.cos(angle), np.sin(angle)
    turned = points.copy()
    turned[:, :2] = points[:, :2] @ np.array([[c, s], [-s, c]], np.float32) + [50, 20]
    region = region_of(turned)
    assert region.size == pytest.approx(upright.size, rel=1e-3)
    assert np.angle(np.exp(1j * (region.angle - upright.angle - angle))) == pytest.approx(0, abs=1e-3)
    assert region.x == pytest.approx(c * upright.x - s * upright.y + 50, abs=0.05)
    assert region.y == pytest.approx(s * upright.x + c * upright.y + 20, abs=0.05)


def test_drawing_leaves_the_picture_itself_untouched(landmarker: HandLandmarker) -> None:
    image = photo("rock/026fd791")
    before = image.copy()
    hands = look(landmarker, image)
    drawn = draw_hands(image, hands)
    assert np.array_equal(image, before)
    tip = hands.hands[0].landmarks[HandLandmark.INDEX_TIP, :2].astype(int)
    assert (drawn[tip[1], tip[0]] > 200).all()


PEER = """
import sys, json, cv2, numpy as np, mediapipe as mp
from mediapipe.tasks.python import vision, BaseOptions
o = vision.HandLandmarkerOptions(base_options=BaseOptions(model_asset_path=sys.argv[1]), num_hands=2)
found = {}
with vision.HandLandmarker.create_from_options(o) as peer:
    for path in sys.argv[3:]:
        image = np.ascontiguousarray(cv2.imread(path)[:, :, ::-1])
        h, w = image.shape[:2]
        r = peer.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=image))
        found[path] = [[c[0].category_name.lower(), [[p.x * w, p.y * h] for p in l]]
                       for c, l in zip(r.handedness, r.hand_landmarks)]
json.dump(found, open(sys.argv[2], 'w'))
"""


@pytest.mark.slow
def test_hands_agree_with_mediapipe_on_real_photos(
    landmarker: HandLandmarker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same hands, same sides, landmarks within 3 % of hand size in the median."""
    monkeypatch.chdir(ROOT)
    python = peers_python()
    need(python, "there is no .venv-peers with mediapipe: run 'make peers'", optional=True)
    task = pack_task(tmp_path / "hand.task")
    (tmp_path / "peer.py").write_text(PEER)
    photos = [str(p) for p in sorted((real_data() / "photos").glob("*/*.jpg"))]
    subprocess.run(
        [python, tmp_path / "peer.py", task, tmp_path / "out.json", *photos], check=True, capture_output=True
    )
    differences, sides, missed = [], [], 0
    for path, theirs in json.loads((tmp_path / "out.json").read_text()).items():
        ours = look(landmarker, np.ascontiguousarray(cv2.imread(path)[:, :, ::-1])).hands
        for side, points in theirs:
            reference = np.array(points)
            size = np.ptp(reference, axis=0).max()
            near = sorted(
                (float(np.linalg.norm(h.landmarks[:, :2] - reference, axis=1).mean() / size), h.side)
                for h in ours
            )
            if near and near[0][0] < 0.3:
                differences.append(near[0][0])
                sides.append(near[0][1] == side)
            else:
                missed += 1
    assert len(differences) >= 35
    assert np.median(differences) < 0.03
    assert np.mean(sides) > 0.95
    assert missed <= 2


@pytest.mark.parametrize("fps", [15, 30])
def test_a_hand_that_comes_into_an_empty_picture_is_found_within_a_quarter_of_a_second(
    landmarker: HandLandmarker, fps: int
) -> None:
    """Looks are rare after a while without a hand: it comes at other moments between two of them."""
    from handflow.bench.hands import make_frames
    from handflow.synth.render import render_frames

    for seed in range(3):
        scene = make_frames(1, 1, seed)
        (hand,) = (frame.image for frame in render_frames(scene))
        nobody = dataclasses.replace(scene, joints=np.full_like(scene.joints, np.nan))
        (room,) = (frame.image for frame in render_frames(nobody))
        for late in range(5):
            came = round(2.5 * fps) + late
            landmarker.reset()
            seen = [
                bool(landmarker.update(Frame(hand if n >= came else room, n / fps, n)).hands)
                for n in range(came + fps)
            ]
            assert not any(seen[:came])
            assert (seen.index(True) - came) / fps <= 0.25
