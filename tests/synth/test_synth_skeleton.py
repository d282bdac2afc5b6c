"""The joints of the synthetic hand: right proportions, right side, any pose."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handflow.synth.skeleton import HandShape, hand_joints
from handflow.types import PARENTS, HandLandmark

OPEN = np.zeros(7)
FIST = np.array([1, 1, 1, 1, 1, 0, 0.0])
PINCH = np.array([0, 0, 0, 0, 0, 0, 1.0])
numbers = st.floats(-2, 3)
poses = st.tuples(*[numbers] * 7)


def bones(joints: np.ndarray) -> np.ndarray:
    return np.linalg.norm(joints - joints[..., list(PARENTS), :], axis=-1)


@given(poses)
def test_every_pose_gives_finite_joints_within_reach(pose: tuple[float, ...]) -> None:
    joints = hand_joints(pose)
    assert joints.shape == (21, 3) and joints.dtype == np.float32
    assert np.isfinite(joints).all()
    assert (joints[0] == 0).all()
    assert np.linalg.norm(joints, axis=1).max() < 1.15 * HandShape().length


def test_many_poses_at_once_equal_each_on_its_own() -> None:
    rng = np.random.default_rng(1)
    batch = rng.uniform(-0.5, 1, (3, 4, 7))
    together = hand_joints(batch)
    assert together.shape == (3, 4, 21, 3)
    for i in np.ndindex(3, 4):
        np.testing.assert_allclose(together[i], hand_joints(batch[i]), atol=1e-6)


def test_a_right_hand_seen_from_the_palm_has_its_thumb_on_the_right() -> None:
    joints = hand_joints(OPEN)
    across = joints[HandLandmark.INDEX_MCP] - joints[HandLandmark.PINKY_MCP]
    along = joints[HandLandmark.MIDDLE_TIP]
    assert joints[HandLandmark.THUMB_TIP, 0] > joints[HandLandmark.PINKY_TIP, 0]
    assert np.cross(across, along)[2] > 0  # the palm faces +z
    assert hand_joints(FIST)[HandLandmark.MIDDLE_DIP, 2] > 0.01  # fingers close towards the palm


@pytest.mark.parametrize("length", [0.16, 0.185, 0.21])
def test_length_is_from_wrist_to_middle_tip(length: float) -> None:
    joints = hand_joints(OPEN, HandShape(length=length))
    assert np.linalg.norm(joints[HandLandmark.MIDDLE_TIP]) == pytest.approx(length, rel=0.04)


def test_bones_keep_their_length_while_fingers_are_not_folded() -> None:
    straight = bones(hand_joints(OPEN))
    for curl in (0.1, 0.3, 0.5):
        bent = bones(hand_joints([curl] * 5 + [0.4, 0.0]))
        far = [k for k in range(3, 21) if k % 4 in (0, 3)]  # knuckles slide, see the module
        np.testing.assert_allclose(bent[far], straight[far], rtol=0.02)


@pytest.mark.parametrize(
    ("field", "bone"),
    [("fingers", HandLandmark.INDEX_DIP), ("thumb", HandLandmark.THUMB_IP)],
)
def test_shape_multiplies_its_bones(field: str, bone: HandLandmark) -> None:
    usual, longer = (bones(hand_joints(OPEN, HandShape(**{field: v})))[bone] for v in (1.0, 1.1))
    assert longer / usual == pytest.approx(1.1, rel=1e-3)


def test_width_spreads_the_knuckles() -> None:
    narrow, wide = (hand_joints(OPEN, HandShape(width=w)) for w in (0.9, 1.1))
    assert np.ptp(wide[[5, 9, 13, 17], 0]) / np.ptp(narrow[[5, 9, 13, 17], 0]) == pytest.approx(
        11 / 9, rel=1e-3
    )


@given(st.tuples(*[st.floats(0, 1)] * 5), st.floats(-1, 1))
def test_a_pinch_brings_thumb_and_index_tip_together_from_any_pose(
    curls: tuple[float, ...], spread: float
) -> None:
    joints = hand_joints([*curls, spread, 1.0])
    gap = np.linalg.norm(joints[HandLandmark.THUMB_TIP] - joints[HandLandmark.INDEX_TIP])
    assert gap < 0.1 * HandShape().length


def test_the_gap_of_a_pinch_closes_steadily() -> None:
    path = hand_joints(np.linspace(OPEN, PINCH, 20))
    gaps = np.linalg.norm(path[:, HandLandmark.THUMB_TIP] - path[:, HandLandmark.INDEX_TIP], axis=1)
    assert (np.diff(gaps) < 0.001).all()  # metres: touching tips may roll on each other
    assert gaps[-1] < 0.15 * gaps[0]


@pytest.mark.parametrize("finger", range(1, 5))
def test_curl_moves_only_its_finger(finger: int) -> None:
    curled = OPEN.copy()
    curled[finger] = 1.0
    moved = np.linalg.norm(hand_joints(curled) - hand_joints(OPEN), axis=1)
    tip = 4 + 4 * finger
    assert moved[tip] > 0.05
    others = [k for k in range(21) if not tip - 3 <= k <= tip]
    assert moved[others].max() == 0


def test_spread_opens_the_fingers() -> None:
    together, wide = (hand_joints([0, 0, 0, 0, 0, s, 0]) for s in (-1, 1))
    tips = [8, 12, 16, 20]
    assert np.ptp(wide[tips, 0]) > 1.4 * np.ptp(together[tips, 0])


@pytest.mark.parametrize(
    "wrong", [{"length": 3.0}, {"fingers": 0.0}, {"width": float("nan")}, {"thumb": 2.0}]
)
def test_impossible_shapes_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        HandShape(**wrong)


def test_a_pose_of_other_than_seven_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="7 numbers"):
        hand_joints([0.0] * 6)
