"""The tracking benchmark: its scenes are what their names say, and it counts right."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from handflow.bench import follow_peer
from handflow.bench.followers import Reported
from handflow.bench.tracking import bench_tracking, document
from handflow.bench.tracking_conditions import (
    FPS,
    HEIGHT,
    SHARP,
    SIZES,
    SPEEDS,
    WIDTH,
    Condition,
    Setting,
    conditions,
)
from handflow.bench.tracking_report import markdown, speed_picture
from handflow.bench.tracking_scenes import Staged, shows_person, stage_stream
from handflow.bench.tracking_score import (
    Score,
    hidden_hands,
    identity_changes,
    match,
    score,
    summary,
)
from handflow.errors import HandflowError
from handflow.hands import HandModels
from handflow.synth.scene import Scene
from handflow.types import LEFT, RIGHT, Float32, Float64, Side

SEED = 9000
ROWS = conditions()


def truth_of(setting: Setting, number: int = 0) -> Float32:
    """(frames, 2, 21, 2) pixels."""
    return stage_stream(setting, number, SEED).scene.truth().landmarks[..., :2]


def only_hand(setting: Setting, number: int = 0) -> Float32:
    truth = truth_of(setting, number)
    seen = np.isfinite(truth).all(axis=(0, 2, 3))
    assert seen.sum() == 1
    return truth[:, int(seen.argmax())]


def middles(points: Float32) -> Float64:
    """The middle of the box of each frame."""
    return np.asarray((points.min(-2) + points.max(-2)) / 2, np.float64)


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("size", SIZES)
def test_an_open_hand_has_the_size_that_is_asked_for(size: int, number: int) -> None:
    sizes = np.ptp(only_hand(Setting(size=size), number), axis=1).max(axis=1)
    np.testing.assert_allclose(sizes, size, rtol=0.03)


@pytest.mark.parametrize("number", range(3), ids=("sideways", "diagonal", "round"))
@pytest.mark.parametrize("speed", [s for s in SPEEDS if s > 0])
def test_a_hand_moves_at_the_speed_that_is_asked_for(speed: int, number: int) -> None:
    # Many frames a second, so that no turn is cut short; whole ways to and fro.
    staged = stage_stream(Setting(speed=speed, seconds=8.0), number, SEED)
    points = staged.scene.truth().landmarks[:, RIGHT, :, :2][staged.counted]
    steps = np.linalg.norm(np.diff(middles(points), axis=0), axis=1) * FPS / 120
    assert np.median(steps) == pytest.approx(speed, rel=0.12)
    assert steps.max() <= 1.15 * speed


def test_a_hand_at_rest_does_not_move() -> None:
    points = only_hand(Setting(speed=0))
    np.testing.assert_allclose(points, points[:1].repeat(len(points), 0), atol=1e-3)


@pytest.mark.parametrize("row", [r for r in ROWS if r.setting.absent is None], ids=lambda r: r.name)
def test_hands_that_should_be_found_are_in_the_picture(row: Condition) -> None:
    for number in range(6 * row.setting.crowd):
        truth = truth_of(row.setting, number)
        there = np.isfinite(truth).all(axis=(2, 3))
        assert (there.sum(axis=1) == (2 if row.setting.pair else 1)).all()
        points = truth[there]
        assert points.min() >= 0
        assert (points.max(axis=(0, 1)) < (WIDTH, HEIGHT)).all()


def test_blur_comes_from_moving_while_the_shutter_is_open() -> None:
    for exposure, pixels in ((SHARP, 0.0), (0.5 / FPS, 16.0)):
        joints = stage_stream(Setting(speed=8, exposure=exposure, seconds=1.2), 0, SEED).scene
        first, last = (joints.project(joints.joints[:, k, RIGHT, 9]) for k in (0, -1))
        # Five moments lie in the middles of five equal parts of the exposure.
        assert np.median(np.linalg.norm(last - first, axis=1)) == pytest.approx(0.8 * pixels, rel=0.1)


def test_conditions_differ_from_the_base_scene_in_what_their_group_says() -> None:
    base = Setting()
    fields = {
        "speed": {"speed", "exposure", "seconds", "crowd"},
        "pose": {"pose", "turn", "pitch", "lean", "beside"},
        "distance": {"size", "seconds"},
        "light": {"brightness", "noise", "warmth"},
        "blur": {"speed", "exposure", "seconds", "crowd"},
        "two hands": {"pair", "hands", "seconds", "crowd"},
        "false hands": {"absent", "hands", "seconds", "size", "crowd"},
    }
    assert set(fields) == {row.group for row in ROWS}
    assert len({(row.group, row.name) for row in ROWS}) == len(ROWS)
    for row in ROWS:
        same = {name: getattr(base, name) for name in fields[row.group]}
        assert replace(row.setting, **same) == base


@pytest.mark.parametrize(
    "row", [r for r in ROWS if r.setting.absent not in {None, "one of two"}], ids=lambda r: r.name
)
def test_no_hand_is_in_sight_where_none_should_be_seen(row: Condition) -> None:
    for number in range(4):
        staged = stage_stream(row.setting, number, SEED)
        assert staged.counted.any()
        assert not np.isfinite(staged.scene.truth().landmarks[staged.counted]).any()


def test_a_raised_forearm_stays_in_the_picture() -> None:
    scene = stage_stream(next(r.setting for r in ROWS if r.setting.absent == "forearm"), 0, SEED).scene
    elbow = scene.project(scene.elbows[:, 0, RIGHT])
    assert (elbow > 0).all()
    assert (elbow < (WIDTH, HEIGHT)).all()


@pytest.mark.parametrize(("absent", "somebody"), [("room", False), ("person", True)])
def test_empty_rooms_are_empty_and_others_are_not(absent: str, somebody: bool) -> None:
    setting = next(r.setting for r in ROWS if r.setting.absent == absent)
    seeds = {stage_stream(setting, number, SEED).scene.background_seed for number in range(3)}
    assert len(seeds) == 3
    assert all(shows_person(seed) == somebody for seed in seeds)


@pytest.mark.parametrize(
    ("pair", "cross", "hides"),
    [
        ("apart", False, False),
        ("near", False, False),
        ("cross", True, False),
        ("cover", True, True),
        ("cover fast", True, True),
        ("meet", False, True),
    ],
)
def test_two_hands_do_what_they_are_said_to(pair: str, cross: bool, hides: bool) -> None:
    setting = next(r.setting for r in ROWS if r.setting.pair == pair)
    scene = stage_stream(setting, 0, SEED).scene
    truth = np.ascontiguousarray(scene.truth().landmarks[..., :2])
    gap = middles(truth[:, LEFT])[:, 0] - middles(truth[:, RIGHT])[:, 0]
    assert gap[0] > 2.4 * 120  # the left hand at the right of the picture
    assert (gap.min() < -200) == cross
    assert hidden_hands(truth, scene.joints[:, 0, :, 0, 2]).any() == hides
    if pair in {"near", "meet"}:
        assert gap.min() < 120
        assert gap[-1] > 2 * 120


def square(x: float, size: float = 100.0) -> Float32:
    """21 points in a box of this size, from x on."""
    return np.array([[x + size * (i % 2), size * (i // 11)] for i in range(21)], np.float32)


def hands(*x: float | None) -> Float32:
    """(2, 21, 2) a true hand at each x."""
    return np.stack([np.full((21, 2), np.nan, np.float32) if v is None else square(v) for v in x])


def reported(x: float, track: int | None = 0, side: Side = "right") -> Reported:
    return Reported(square(x), track, side)


@pytest.mark.parametrize(
    ("truth", "found", "errors", "clear"),
    [
        (hands(None, 0), [0], {1: 0.0}, {1: 0}),
        (hands(None, 0), [20], {1: 0.2}, {1: 0}),
        (hands(None, 0), [30], {}, {}),  # too far away to be this hand
        (hands(None, 0), [], {}, {}),
        (hands(None, None), [0], {}, {}),
        (hands(None, 0), [20, 10], {1: 0.1}, {1: 1}),  # the nearest counts
        (hands(300, 0), [0, 310], {0: 0.1, 1: 0.0}, {0: 1, 1: 0}),
        (hands(300, 0), [0], {1: 0.0}, {1: 0}),
        (hands(20, 0), [11], {0: 0.09}, {}),  # as near to the other one: nobody's
        (hands(20, 0), [2, 19], {0: 0.01, 1: 0.02}, {0: 1, 1: 0}),
        (hands(10, 0), [9, 12], {0: 0.01, 1: 0.12}, {0: 0}),  # one reported hand for each true one
    ],
)
def test_a_reported_hand_belongs_to_the_true_one_that_it_lies_on(
    truth: Float32, found: list[float], errors: dict[int, float], clear: dict[int, int]
) -> None:
    said = [reported(x) for x in found]
    got, sure = match(truth, said)
    assert got == pytest.approx(errors, abs=1e-5)
    assert {hand: said.index(r) for hand, r in sure.items()} == clear


@pytest.mark.parametrize(
    ("sights", "swaps", "new"),
    [
        ([(0, 1)] * 3, 0, 0),
        ([], 0, 0),
        ([(0, 1), (1, 0)], 2, 0),  # an exchange
        ([(0, 1), (None, None), (1, 0), (1, 0)], 2, 0),  # unseen meanwhile
        ([(0, 1), (1, 0), (0, 1)], 4, 0),  # and back
        ([(0, 1), (None, 0)], 1, 0),  # the track of the hidden hand went to the other one
        ([(0, 1), (None, 0), (1, 0)], 2, 0),
        ([(0, 1), (None, 0), (2, 0)], 1, 1),
        ([(0, 1), (None, 1), (0, 1)], 0, 0),  # found again
        ([(0, 1), (None, 1), (2, 1)], 0, 1),  # found again as another one
        ([(0, None), (0, 1), (0, 2)], 0, 1),  # the first track of a hand is not new
        ([(0, 1), (2, 1), (0, 1)], 0, 1),
        ([("right", "left"), ("right", "right"), ("right", "left")], 1, 0),  # one side named twice
        ([("right", "right"), ("right", "left")], 0, 1),
    ],
)
def test_identity_is_counted_from_the_hands_view(
    sights: list[tuple[int | str | None, ...]], swaps: int, new: int
) -> None:
    assert identity_changes(sights) == (swaps, new)


def test_a_hand_behind_the_other_one_is_hidden() -> None:
    outline = np.array([[0, 0], [100, 0], [100, 100], [0, 100]], np.float32)[np.arange(21) % 4]
    truth = np.stack([[outline, outline + np.array([x, 0])] for x in (20, 20, 200)]).astype(np.float32)
    truth[1, 0] = np.nan
    depth = np.array([[1.0, 0.9]] * 3, np.float32)
    near = truth.copy()
    near[0, 1] = (outline - 50) * 2 + 50  # the nearer one is larger
    assert hidden_hands(near, depth).tolist() == [[True, False], [False, False], [False, False]]
    assert not hidden_hands(truth[2:], depth[2:]).any()


def staged(truth: list[Float32], counted: list[bool] | None = None) -> Staged:
    """A scene whose truth is given in pixels: a camera of focal length 1000 at a distance of one metre."""
    pixels = np.stack(truth)
    joints = np.ones((len(truth), 1, 2, 21, 3), np.float32)
    joints[:, 0, :, :, :2] = (pixels - [WIDTH / 2, HEIGHT / 2]) / 1000
    joints[np.isnan(joints[..., 0])] = np.nan
    joints[:, :, RIGHT, :, 2] += 0.0001
    base = stage_stream(Setting(seconds=0.1), 0, SEED).scene
    scene = Scene(
        joints,
        np.zeros((len(truth), 1, 2, 3), np.float32),
        np.arange(len(truth)) / FPS,
        replace(base.camera, focal=1000.0),
        base.look,
    )
    return Staged(scene, np.array(counted or [True] * len(truth)))


def test_scores_count_found_lost_swapped_and_false_hands() -> None:
    apart = hands(300, 10)
    got = score(
        staged([apart, apart, apart, hands(None, None), apart], [True, True, True, True, False]),
        [
            [reported(310, 0, "left"), reported(10, 1, "right")],
            [reported(10, 1, "right"), reported(500, 0, "left")],  # one slid away
            [reported(300, 1, "left"), reported(10, 2, "right"), reported(450, 3, "right")],
            [reported(300, 1, "left")],
            [],  # does not count
        ],
        tracks=True,
    )
    assert (got.frames, got.in_sight) == (4, 6)
    assert sorted(got.errors) == pytest.approx([0, 0, 0, 0, 0.1], abs=1e-3)
    assert (got.swaps, got.new_tracks, got.side_swaps) == (1, 1, 0)
    assert got.false == 2
    assert score(staged([apart]), [[]], tracks=False).swaps is None


def test_streams_are_put_together_by_frames_and_by_the_minute() -> None:
    row = Condition("speed", "any")
    streams = [
        Score(900, 900, (0.1,) * 450, swaps=1, new_tracks=0, side_swaps=2, false=9),
        Score(900, 900, (0.2,) * 900, swaps=2, new_tracks=1, side_swaps=0, false=0),
    ]
    got = summary("handflow", row, streams)
    assert got.found == 0.75
    assert got.found_by_stream == (0.5, 1.0)
    assert got.error == pytest.approx(1 / 6)
    assert (got.swaps, got.new_tracks, got.side_swaps) == pytest.approx((3, 1, 2))
    assert got.false == pytest.approx(0.005)
    none = summary("mediapipe", row, [Score(30, 0, (), None, None, 0, 0)])
    assert (none.found, none.error, none.swaps) == (None, None, None)


def test_the_whole_way_with_handflow_alone(
    hand_models: HandModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDFLOW_PEERS", str(tmp_path))
    rows = [
        Condition("speed", "at rest", Setting(speed=0, seconds=0.2, crowd=1)),
        Condition("pose", "the same scene", Setting(speed=0, seconds=0.2, crowd=1)),
        Condition("two hands", "apart", Setting(pair="apart", hands=2, seconds=0.2, crowd=1)),
        Condition("false hands", "an empty room", Setting(absent="room", hands=2, seconds=0.1, crowd=1)),
    ]
    told: list[str] = []
    results = bench_tracking(persons=1, rows=rows, progress=told.append)
    assert [m.program for m in results] == ["handflow"] * 4
    assert told[0] == "speed: at rest"
    assert [m.found for m in results] == [1.0, 1.0, 1.0, None]
    assert all(m.error is not None and m.error < 0.05 for m in results[:3])
    assert results[3].false == 0
    rows_of = json.loads(document(results, 1, SEED))["rows"]
    assert rows_of[0]["condition"]["setting"]["size"] == 120
    table = markdown(results)
    assert "| at rest | 100.0 % | " in table
    assert "mediapipe found" not in table
    assert "| an empty room | 0.0 % |" in table
    pytest.importorskip("matplotlib")
    assert speed_picture(results, tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_program_that_ends_is_one_line_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import sys; sys.exit('first line\\nlibGL is missing')")
    monkeypatch.setattr(follow_peer, "__file__", str(broken))
    monkeypatch.setenv("HANDFLOW_PEERS", str(tmp_path))
    with pytest.raises(
        HandflowError, match=r"handflow could not be measured, libGL is missing: run .*doctor"
    ):
        bench_tracking(persons=1, rows=[Condition("pose", "any", Setting(seconds=0.1))])
