"""Motions go where their names say, for either hand, at any frame rate, and always the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handflow.synth.clips import MEANT, SyntheticClip, frame_times, landmark_clips, make_clip
from handflow.synth.idle import IDLES, relaxed
from handflow.synth.motion import PROGRAMS, program
from handflow.synth.movement import Motion, Planner, steady
from handflow.synth.noise import add_tracker_noise
from handflow.synth.person import VirtualPerson, random_person
from handflow.types import BACKGROUND, LEFT, PARENTS, RIGHT, Float32, Side

PALM = [0, 5, 9, 13, 17]
SIDES: list[Side] = ["left", "right"]


def during(made: SyntheticClip, person: VirtualPerson) -> Float32:
    """Landmarks (n, 21, 3) of the gesturing hand from onset to offset."""
    s = made.clip.sequence
    assert made.onset is not None
    assert made.offset is not None
    inside = (s.timestamps >= made.onset) & (s.timestamps <= made.offset)
    return s.landmarks[inside, person.slot]


def performed(gesture: str, hand: Side, seed: int) -> tuple[VirtualPerson, Float32]:
    person = random_person(seed, hand=hand)
    return person, during(make_clip(gesture, person, seed, fps=60, second_hand=False), person)


@pytest.mark.parametrize("hand", SIDES)
@pytest.mark.parametrize(
    ("gesture", "x", "y"),
    [
        ("hand_up", 0, -1),
        ("hand_down", 0, 1),
        ("hand_left", 1, 0),  # towards the person's own left: right in the unmirrored image
        ("hand_right", -1, 0),
    ],
)
def test_each_direction_goes_where_it_says_in_the_unmirrored_image(
    gesture: str, x: int, y: int, hand: Side
) -> None:
    for seed in range(12):
        person, landmarks = performed(gesture, hand, seed)
        palm = landmarks[:, PALM, :2].mean(1)
        way = palm[-1] - palm[0]
        hand_length = person.shape.length * person.camera.focal / person.distance
        along = way @ [x, y]
        across = abs(way @ [y, x])
        assert along > 0.6 * hand_length
        assert along > 2.2 * across


@pytest.mark.parametrize("hand", SIDES)
@pytest.mark.parametrize(("gesture", "sign"), [("circle_clockwise", 1), ("circle_counterclockwise", -1)])
def test_circles_turn_as_the_person_sees_them_in_a_mirror(gesture: str, sign: int, hand: Side) -> None:
    for seed in range(8):
        _, landmarks = performed(gesture, hand, seed)
        palm = landmarks[:, PALM, :2].mean(1)
        mirrored = palm * [-1, 1] - (palm * [-1, 1]).mean(0)
        angles = np.unwrap(np.arctan2(mirrored[:, 1], mirrored[:, 0]))  # y down: grows clockwise
        assert sign * (angles[-1] - angles[0]) > np.deg2rad(300)


@pytest.mark.parametrize(("gesture", "sign"), [("push", -1), ("pull", 1)])
def test_push_and_pull_change_the_distance_to_the_camera(gesture: str, sign: int) -> None:
    for seed in range(8):
        person = random_person(seed)
        made = make_clip(gesture, person, seed, fps=60)
        assert made.onset is not None
        times = made.clip.sequence.timestamps
        depth = made.scene.joints[:, 0, person.slot, 0, 2]
        start, end = np.interp([made.onset, made.offset], times, depth)
        assert sign * (end - start) > 0.06


def _tips_apart(landmarks: Float32) -> Float32:
    return np.linalg.norm(landmarks[:, 4, :2] - landmarks[:, 8, :2], axis=-1)


def _fingers_out(landmarks: Float32) -> Float32:
    tips = np.linalg.norm(landmarks[:, [8, 12, 16, 20]] - landmarks[:, :1], axis=-1).mean(1)
    knuckles = np.linalg.norm(landmarks[:, [5, 9, 13, 17]] - landmarks[:, :1], axis=-1).mean(1)
    return np.asarray(tips / knuckles, np.float32)


@pytest.mark.parametrize(
    ("gesture", "measure", "smaller_at"),
    [
        ("pinch", _tips_apart, "end"),
        ("spread", _tips_apart, "start"),
        ("grab", _fingers_out, "end"),
        ("release", _fingers_out, "start"),
    ],
)
def test_fingers_close_and_open(gesture: str, measure, smaller_at: str) -> None:  # type: ignore[no-untyped-def]
    for seed in range(8):
        _, landmarks = performed(gesture, "right", seed)
        first, last = measure(landmarks)[[0, -1]]
        small, large = (last, first) if smaller_at == "end" else (first, last)
        assert small < 0.7 * large


@pytest.mark.parametrize("hand", SIDES)
def test_turn_shows_the_back_of_the_hand(hand: Side) -> None:
    for seed in range(8):
        person, landmarks = performed("turn", hand, seed)
        index, pinky = landmarks[:, 5, :2] - landmarks[:, 0, :2], landmarks[:, 17, :2] - landmarks[:, 0, :2]
        # Seen from the palm, a right hand's index finger lies clockwise of its pinky.
        facing = (pinky[:, 0] * index[:, 1] - pinky[:, 1] * index[:, 0]) * (1 if person.slot == RIGHT else -1)
        assert facing[0] > 0
        assert facing[-1] < 0


def test_wave_goes_to_and_fro() -> None:
    for seed in range(8):
        _, landmarks = performed("wave", "left", seed)
        x = landmarks[:, 12, 0]
        turns = np.count_nonzero(np.diff(np.sign(np.diff(x))) != 0)
        assert turns >= 2


@pytest.mark.parametrize("gesture", ["hold_open", "hold_point", "hold_fist"])
def test_held_poses_stay_where_they_are(gesture: str) -> None:
    for seed in range(8):
        person, landmarks = performed(gesture, "right", seed)
        palm = landmarks[:, PALM, :2].mean(1)
        length = person.shape.length * person.camera.focal / person.distance
        assert np.linalg.norm(palm - palm.mean(0), axis=1).max() < 0.2 * length


@pytest.mark.parametrize(("hand", "slot", "sign"), [("left", LEFT, -1), ("right", RIGHT, 1)])
def test_a_hand_is_never_the_mirror_image_of_itself(hand: Side, slot: int, sign: int) -> None:
    for gesture in ("hold_fist", "hand_left", "turn"):
        person = random_person(5, hand=hand)
        joints = make_clip(gesture, person, 1, second_hand=False).scene.joints[:, 0]
        assert np.isnan(joints[:, 1 - slot]).all()
        own = joints[:, slot].astype(float)
        index, pinky = own[:, 5] - own[:, 0], own[:, 17] - own[:, 0]
        curling = own[:, 12] - own[:, 9]  # fingers bend to the palm's side
        volume = np.einsum("ni,ni->n", np.cross(index, pinky), curling)
        assert (sign * volume > 0).all()


def test_hands_keep_their_size_and_are_finite_whatever_they_do() -> None:
    parents = np.array(PARENTS[1:])
    for seed, gesture in enumerate(PROGRAMS):
        person = random_person(seed)
        joints = make_clip(gesture, person, seed, substeps=2).scene.joints[:, :, person.slot]
        assert np.isfinite(joints).all()
        bones = np.linalg.norm(joints[:, :, 1:] - joints[:, :, parents], axis=-1)
        # Landmarks slide a little over the joints as fingers bend: that is how hand models see them.
        assert np.ptp(bones, axis=(0, 1)).max() < 0.012
        assert joints[..., 2].min() > 0.1


@pytest.mark.parametrize("gesture", MEANT)
def test_most_of_a_gesture_is_in_the_picture(gesture: str) -> None:
    shares = []
    for seed in range(20):
        person = random_person(1000 + seed)
        points = during(make_clip(gesture, person, seed), person)[..., :2]
        shares.append(((points >= 0) & (points < [320, 240])).all(-1).mean())
    assert np.mean(shares) > 0.95
    assert np.min(shares) > 0.6


@pytest.mark.parametrize("gesture", [g for g in MEANT if not g.startswith("hold")])
def test_onset_and_offset_are_where_the_stroke_begins_and_ends_to_move(gesture: str) -> None:
    for seed in range(6):
        person = random_person(seed)
        what = program(gesture)(person, np.random.default_rng(seed))
        times = np.linspace(0, what.duration, 2001)
        states = Motion(what.first, what.moves).at(times)
        speed = np.linalg.norm(np.gradient(states * np.array([0.3] * 10 + [1.0] * 3), times, axis=0), axis=1)
        outside = (times < what.onset - 0.01) | (times > what.offset + 0.01)
        assert 0.2 < what.offset - what.onset < 2.3
        assert speed[outside].max(initial=0) < 0.08 * speed.max()
        assert np.interp(what.onset + 0.02, times, speed) > 0.05 * speed.max()
        assert np.interp(what.offset - 0.02, times, speed) > 0.05 * speed.max()


def test_onset_and_offset_match_what_the_picture_shows() -> None:
    for seed in range(20):
        person = random_person(seed)
        made = make_clip("hand_left", person, seed, fps=60)
        assert made.onset is not None
        assert made.offset is not None
        times = made.clip.sequence.timestamps
        x = np.interp([made.onset, made.offset], times, made.scene.joints[:, 0, person.slot, 9, 0])
        middle = np.interp((made.onset + made.offset) / 2, times, made.scene.joints[:, 0, person.slot, 9, 0])
        assert x[0] < middle < x[1]
        assert 0 <= made.onset < made.offset <= made.clip.sequence.duration + 0.05


def test_the_same_seed_gives_the_same_clip_and_another_seed_another() -> None:
    first, again, other = (make_clip("wave", random_person(3), s) for s in (7, 7, 8))
    np.testing.assert_array_equal(first.clip.sequence.landmarks, again.clip.sequence.landmarks)
    np.testing.assert_array_equal(first.scene.timestamps, again.scene.timestamps)
    assert first.onset == again.onset
    assert first.onset != other.onset


def test_background_clips_have_no_onset() -> None:
    made = make_clip(BACKGROUND, random_person(0), 0)
    assert made.onset is None
    assert made.offset is None
    assert made.clip.label == BACKGROUND


@settings(max_examples=25, deadline=None)
@given(
    fps=st.floats(10, 60),
    seed=st.integers(0, 2**31 - 1),
    gesture=st.sampled_from(sorted(PROGRAMS)),
    seconds=st.floats(0.5, 4),
)
def test_every_frame_rate_samples_the_same_path(fps: float, seed: int, gesture: str, seconds: float) -> None:
    person = random_person(seed % 50)
    coarse = make_clip(gesture, person, seed, fps=fps, seconds=seconds, second_hand=False)
    fine = make_clip(gesture, person, seed, fps=240, seconds=seconds, second_hand=False)
    assert coarse.onset == fine.onset
    a, b = (m.scene.joints[:, 0, person.slot].reshape(-1, 63) for m in (coarse, fine))
    within = coarse.scene.timestamps <= fine.scene.timestamps[-1]
    for joint in (0, 26, 62):
        path = np.interp(coarse.scene.timestamps, fine.scene.timestamps, b[:, joint])
        assert np.abs(path - a[:, joint])[within].max() < 0.002  # metres; the fine path is interpolated


@settings(max_examples=30, deadline=None)
@given(fps=st.floats(1, 240), seconds=st.floats(0.01, 20), seed=st.integers(0, 1000))
def test_timestamps_increase_at_the_given_rate(fps: float, seconds: float, seed: int) -> None:
    times = frame_times(seconds, fps, np.random.default_rng(seed))
    assert times[0] == 0
    assert (np.diff(times) > 0.8 / fps).all()
    assert (np.diff(times) < 1.2 / fps).all()


@pytest.mark.parametrize(
    ("fps", "seconds"), [(0, 2), (float("nan"), 2), (1e9, 2), (30, 0), (30, float("inf"))]
)
def test_impossible_rates_and_lengths_are_refused(fps: float, seconds: float) -> None:
    with pytest.raises(ValueError, match="cannot be made"):
        frame_times(seconds, fps, np.random.default_rng(0))


def test_an_unknown_gesture_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'jump'.*hand_up.*background"):
        make_clip("jump", random_person(0), 0)


def test_a_gesture_longer_than_its_clip_is_done_faster() -> None:
    for seed in range(10):
        made = make_clip("wave", random_person(seed), seed, seconds=0.6)
        assert made.onset is not None
        assert made.offset is not None
        assert 0 <= made.onset < made.offset <= 0.6


def test_steady_progress_starts_and_ends_gently() -> None:
    progress = steady(np.linspace(0, 1, 1001))
    steps = np.diff(progress)
    assert progress[0] == 0
    assert progress[-1] == pytest.approx(1)
    assert (steps > 0).all()
    assert steps[0] < 0.01 * steps.max()
    assert steps[-1] < 0.01 * steps.max()
    assert steps[300:700] == pytest.approx(steps[500])


@pytest.mark.parametrize("name", IDLES)
def test_idle_motion_is_smooth_and_slower_than_a_stroke(name: str) -> None:
    for seed in range(6):
        person = random_person(seed)
        rng = np.random.default_rng(seed)
        plan = Planner(relaxed(person, rng))
        IDLES[name][1](plan, person, rng)
        times = np.arange(0, plan.time + 0.1, 1 / 200)
        states = plan.motion().at(times)
        speed = np.linalg.norm(np.diff(states[:, 10:], axis=0), axis=1) * 200
        assert speed.max() < 2.0  # m/s
        assert np.abs(np.diff(speed)).max() * 200 < 60  # m/s²: nothing jumps


def test_persons_differ_and_stay_human() -> None:
    people = [random_person(seed) for seed in range(150)]
    left = sum(p.hand == "left" for p in people)
    assert 15 < left < 75
    sizes = [p.shape.length * p.camera.focal / p.distance for p in people]
    assert min(sizes) > 45
    assert max(sizes) < 150
    assert all(0.4 <= p.distance <= 1.2 for p in people)
    assert all(10 <= p.fps <= 60 for p in people)
    assert len({p.fps for p in people}) > 3
    tones = np.array([p.look.skin for p in people])
    assert tones.min() >= 0
    assert tones.max() <= 255
    assert np.ptp(tones.mean(1)) > 120
    assert np.ptp([p.tempo for p in people]) > 0.5


def test_the_hand_can_be_chosen_and_the_rest_stays() -> None:
    left, right = random_person(4, hand="left"), random_person(4, hand="right")
    assert (left.hand, right.hand) == ("left", "right")
    assert left.shape == right.shape
    assert left.tempo == right.tempo
    assert left.centre[0] == -right.centre[0]


def test_the_second_hand_rests_in_the_other_slot() -> None:
    person = random_person(2)
    made = make_clip("wave", person, 0, second_hand=True)
    assert made.clip.sequence.seen[:, person.slot].any()
    resting = made.scene.joints[:, 0, 1 - person.slot, 0]
    assert np.isfinite(resting).all()
    assert np.ptp(resting, axis=0).max() < 0.1
    assert not make_clip("wave", person, 0, second_hand=False).clip.sequence.seen[:, 1 - person.slot].any()


def test_tracker_noise_grows_with_speed_and_is_worst_in_depth() -> None:
    still, fast = [], []
    for seed in range(12):
        person = random_person(seed)
        made = make_clip("hand_left", person, seed, fps=30, seconds=1.0)
        noisy = add_tracker_noise(made.clip.sequence, np.random.default_rng(seed))
        np.testing.assert_array_equal(noisy.timestamps, made.clip.sequence.timestamps)
        error = np.abs(noisy.landmarks - made.clip.sequence.landmarks)[:, person.slot]
        changes = np.diff(noisy.landmarks - made.clip.sequence.landmarks, axis=0)[:, person.slot]
        speed = np.linalg.norm(np.diff(made.clip.sequence.landmarks[:, person.slot, 9, :2], axis=0), axis=1)
        jumps = np.linalg.norm(changes[..., :2], axis=-1).mean(1)
        still += list(jumps[speed < 1])
        fast += list(jumps[speed > 8])
        assert np.nanmean(error[:, 1:, 2]) > 1.3 * np.nanmean(error[..., :2])
    assert np.nanmean(fast) > 1.2 * np.nanmean(still)


def test_tracker_noise_leaves_unseen_hands_unseen_and_loses_fast_ones() -> None:
    lost = 0
    for seed in range(80):
        person = random_person(seed)
        clip = make_clip("hand_right", person, seed, second_hand=False).clip
        noisy = add_tracker_noise(clip.sequence, np.random.default_rng(0), frame_size=(320, 240))
        assert not (noisy.seen & ~clip.sequence.seen).any()
        assert not noisy.seen[:, 1 - person.slot].any()
        assert (noisy.presence[~noisy.seen] == 0).all()
        lost += int((clip.sequence.seen & ~noisy.seen).sum())
    assert lost > 10


def test_no_tracker_noise_changes_nothing_and_less_than_none_is_refused() -> None:
    sequence = make_clip("push", random_person(0), 0).clip.sequence
    assert add_tracker_noise(sequence, np.random.default_rng(0), level=0) is sequence
    with pytest.raises(ValueError, match="0 or more"):
        add_tracker_noise(sequence, np.random.default_rng(0), level=-1)


def test_clips_in_bulk_do_not_depend_on_what_else_is_made() -> None:
    people = [random_person(0), random_person(1)]
    many = {c.id: c for c in landmark_clips(["wave", "push"], people, 2, 5)}
    few = list(landmark_clips(["push"], people[:1], 1, 5))
    assert len(many) == 8
    np.testing.assert_array_equal(few[0].sequence.landmarks, many[few[0].id].sequence.landmarks)


def test_background_clips_show_a_hand() -> None:
    for seed in range(40):
        person = random_person(seed)
        assert make_clip(BACKGROUND, person, seed).clip.sequence.seen[:, person.slot].mean() > 0.25


def test_a_held_pose_lasts_from_onset_to_offset_and_not_much_longer() -> None:
    longer = []
    for seed in range(20):
        person = random_person(seed)
        made = make_clip("hold_fist", person, seed, fps=30, seconds=3.0)
        joints = made.scene.joints[:, 0, person.slot]
        closed = np.linalg.norm(joints[:, 12] - joints[:, 9], axis=1) < 0.33 * person.shape.length
        times = made.clip.sequence.timestamps
        assert made.onset is not None
        assert made.offset is not None
        assert closed[(times > made.onset) & (times < made.offset)].all()
        longer.append(closed.sum() / 30 - (made.offset - made.onset))
    assert np.median(longer) < 1.1  # closing on the way there and opening on the way back
    assert max(longer) < 1.5
