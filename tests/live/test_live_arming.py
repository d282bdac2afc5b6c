"""What arms and disarms, on synthetic hands at several frame rates."""

import dataclasses
import threading
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest

from handflow.hands.steady import SteadyFilter
from handflow.live.arming import HAND_UP, ArmedState, Arming, ArmingConfig, is_held_up
from handflow.synth.clips import make_clip, random_numbers
from handflow.synth.noise import add_tracker_noise
from handflow.synth.person import random_person
from handflow.types import SIDES, Float32, GestureEvent, Hand, Hands, HandSequence, Region

PERSONS = [(seed, SIDES[seed % 2]) for seed in range(940, 946)]
NOBODY: Float32 = np.full((2, 21, 3), np.nan, np.float32)


def hands(points: Iterable[Float32], fps: float, start: float = 0.0) -> Iterator[Hands]:
    """Landmarks (2, 21, 3) of frame after frame as the landmarker would report them."""
    steady = SteadyFilter(), SteadyFilter()
    for n, both in enumerate(points):
        time = start + n / fps
        seen = [
            Hand(
                landmarks=both[slot],
                steady=steady[slot].update(both[slot], time),
                world=both[slot],
                presence=1.0,
                handedness=float(slot),
                side=side,
                track=slot,
                region=Region(0, 0, 1, 0),
            )
            for slot, side in enumerate(SIDES)
            if np.isfinite(both[slot]).all()
        ]
        yield Hands(tuple(seen), time, n, (640, 480))


def noisy(sequence: HandSequence) -> HandSequence:
    return add_tracker_noise(sequence, random_numbers(7, 3), frame_size=(640, 480))


def pose(gesture: str, seed: int, seconds: float, fps: float) -> list[Float32]:
    """A held pose of a person, to and fro for as long as asked for."""
    person = random_person(seed, hand=SIDES[seed % 2])
    made = make_clip(gesture, person, seed, fps=fps, seconds=4.0, width=640, height=480, second_hand=False)
    sequence = noisy(made.clip.sequence)
    assert made.onset is not None and made.offset is not None
    inside = (sequence.timestamps >= made.onset) & (sequence.timestamps <= made.offset)
    held = np.flatnonzero(inside & sequence.seen.any(axis=1))
    order = np.resize(np.concatenate([held, held[-2:0:-1]]), round(seconds * fps))
    return list(sequence.landmarks[order])


def play(arming: Arming, points: Iterable[Float32], fps: float, start: float = 0.0) -> list[ArmedState]:
    return [arming.update(seen, (), seen.timestamp) for seen in hands(points, fps, start)]


def changes(states: list[ArmedState], fps: float) -> list[float]:
    return [n / fps for n, state in enumerate(states) if state.changed]


@pytest.mark.parametrize("fps", [10, 15, 30, 60])
@pytest.mark.parametrize(("seed", "side"), PERSONS)
def test_a_hand_held_up_for_a_second_switches_once(seed: int, side: str, fps: int) -> None:
    arming = Arming(ArmingConfig(HAND_UP))
    up, down = pose("hold_open", seed, 2.5, fps), [NOBODY] * fps
    states = play(arming, [*down, *up, *down, *up, *down], fps)
    first, second = changes(states, fps)
    # The imitated tracker may begin with a wrong pose, from which the steadied hand takes a while to come.
    assert 1.9 <= first <= 2.6 and 5.4 <= second <= 6.1
    assert [states[round(t * fps)].armed for t in (0.5, 3.0, 5.0, 7.0)] == [False, True, True, False]


@pytest.mark.parametrize("fps", [10, 30, 60])
def test_progress_rises_while_the_hand_is_up_and_is_gone_after(fps: int) -> None:
    states = play(Arming(ArmingConfig(HAND_UP)), pose("hold_open", 940, 2.0, fps), fps)
    shown = [state.progress for state in states]
    first = next(n for n, state in enumerate(states) if state.changed)
    assert shown[: first + 1] == sorted(shown[: first + 1]) and shown[first] == 1
    assert not any(shown[first + 1 :])


def test_a_hand_out_of_sight_for_a_moment_does_not_end_the_hold_nor_begin_another() -> None:
    points = pose("hold_open", 940, 4.0, 30)
    points[10:15] = [NOBODY] * 5
    points[60:65] = [NOBODY] * 5
    assert len(changes(play(Arming(ArmingConfig(HAND_UP)), points, 30), 30)) == 1


@pytest.mark.parametrize(("seed", "side"), PERSONS)
@pytest.mark.parametrize("gesture", ["hold_fist", "hold_point"])
def test_other_poses_do_not_switch(seed: int, side: str, gesture: str) -> None:
    states = play(Arming(ArmingConfig(HAND_UP)), pose(gesture, seed, 4.0, 30), 30)
    assert not any(state.changed or state.progress for state in states)


@pytest.mark.parametrize("fps", [10, 30])
def test_idle_hands_do_not_switch(fps: int) -> None:
    for seed in range(12):
        person = random_person(seed)
        made = make_clip("background", person, seed, fps=fps, seconds=3.0, width=640, height=480)
        states = play(Arming(ArmingConfig(HAND_UP)), list(noisy(made.clip.sequence).landmarks), fps)
        assert not any(state.changed for state in states), seed


def moved(points: list[Float32], way: Callable[[int], float]) -> list[Float32]:
    """The hand moved sideways by `way(frame)` of its palm's length."""
    palm = np.nanmax(np.linalg.norm(points[0][:, 9, :2] - points[0][:, 0, :2], axis=-1))
    out = []
    for n, both in enumerate(points):
        shifted = both.copy()
        shifted[..., 0] += np.float32(way(n) * palm)
        out.append(shifted)
    return out


@pytest.mark.parametrize("fps", [10, 30, 60])
@pytest.mark.parametrize("speed", [0.7, 2.0])
def test_an_open_hand_that_passes_does_not_switch(speed: float, fps: int) -> None:
    points = moved(pose("hold_open", 940, 4.0, fps), lambda n: speed * n / fps)
    assert not changes(play(Arming(ArmingConfig(HAND_UP)), points, fps), fps)


@pytest.mark.parametrize("fps", [10, 30, 60])
def test_a_waving_hand_does_not_switch(fps: int) -> None:
    points = moved(pose("hold_open", 940, 4.0, fps), lambda n: 0.5 * np.sin(2 * np.pi * 1.5 * n / fps))
    assert not changes(play(Arming(ArmingConfig(HAND_UP)), points, fps), fps)


def turned(hand: Hand, degrees: float) -> Hand:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return dataclasses.replace(hand, steady=hand.steady @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]], "f4"))


def test_only_an_upright_open_palm_is_held_up() -> None:
    for seed, _ in PERSONS:
        (hand,) = next(hands(pose("hold_open", seed, 1.0, 30), 30)).hands
        assert is_held_up(hand)
        assert not is_held_up(turned(hand, 90)) and not is_held_up(turned(hand, 180))
        other = SIDES[1 - SIDES.index(hand.side)]
        assert not is_held_up(dataclasses.replace(hand, side=other)), "the back of the other hand"


def event(gesture: str, time: float) -> GestureEvent:
    return GestureEvent(gesture, 0.9, "right", 0, time - 0.5, None, time, round(30 * time))


def happen(
    config: ArmingConfig, events: list[GestureEvent], seconds: float, fps: float
) -> tuple[list[str], list[float]]:
    """The gestures that count, and when it was armed or disarmed."""
    arming, passed, switched = Arming(config), [], []
    waiting = list(events)
    for seen in hands([NOBODY] * round(seconds * fps), fps):
        now = [e for e in waiting if e.time <= seen.timestamp + 1e-9]
        waiting = waiting[len(now) :]
        state = arming.update(seen, now, seen.timestamp)
        passed += [e.gesture for e in state.events]
        switched += [seen.timestamp] * state.changed
    return passed, switched


@pytest.mark.parametrize("fps", [10, 30, 60])
@pytest.mark.parametrize(
    ("config", "passed", "switched"),
    [
        (ArmingConfig("arm"), ["b", "c"], [2.0, 5.0]),
        (ArmingConfig("arm", armed_at_start=True), ["a", "d"], [2.0, 5.0]),
        (ArmingConfig("arm", disarm_after=1.5), ["b"], [2.0, 4.5, 5.0, 6.5]),
        (ArmingConfig("arm", armed_at_start=True, disarm_after=0.5), [], [0.5, 2.0, 2.5, 5.0, 5.5]),
        (ArmingConfig("other"), [], []),
    ],
)
def test_a_gesture_switches_and_no_others_pass_while_disarmed(
    config: ArmingConfig, passed: list[str], switched: list[float], fps: int
) -> None:
    events = [event(*e) for e in (("a", 1.0), ("arm", 2.0), ("b", 3.0), ("c", 4.6), ("arm", 5.0), ("d", 6.6))]
    got, when = happen(config, events, 8.0, fps)
    assert got == passed
    assert when == pytest.approx(switched, abs=1.01 / fps)


def test_two_events_of_one_frame_pass_together_and_those_after_the_switch_do_not() -> None:
    arming = Arming(ArmingConfig("arm", armed_at_start=True))
    nobody = next(hands([NOBODY], 30))
    state = arming.update(nobody, (event("a", 0), event("b", 0), event("arm", 0), event("c", 0)), 0.0)
    assert [e.gesture for e in state.events] == ["a", "b"]
    assert state.changed and not state.armed


def test_reset_goes_back_to_the_start() -> None:
    arming = Arming(ArmingConfig(HAND_UP, armed_at_start=True))
    play(arming, pose("hold_open", 940, 1.5, 30), 30)
    assert not arming.armed
    arming.reset()
    assert arming.armed
    assert changes(play(arming, pose("hold_open", 940, 1.5, 30), 30), 30) == pytest.approx([1.0], abs=0.15)


@pytest.mark.parametrize("fps", [10, 30, 60])
def test_it_disarms_after_a_time_without_a_hand_in_sight(fps: int) -> None:
    config = ArmingConfig("arm", armed_at_start=True, disarm_unseen=1.5)
    fist = pose("hold_fist", 940, 2.0, fps)
    states = play(Arming(config), [*fist, *[NOBODY] * fps, *fist, *[NOBODY] * (3 * fps), *fist], fps)
    (disarmed,) = changes(states, fps)  # a second without one does nothing, and a hand does not arm
    assert disarmed == pytest.approx(5.0 + 1.5, abs=2.01 / fps)
    assert not states[-1].armed


def test_time_without_a_hand_counts_from_the_start_and_anew_from_each_arming() -> None:
    arming = Arming(ArmingConfig("arm", armed_at_start=True, disarm_unseen=1.0))
    times = []
    for seen in hands([NOBODY] * 150, 30):
        now = [event("arm", seen.timestamp)] if seen.frame == 90 else []
        times += [seen.timestamp] * arming.update(seen, now, seen.timestamp).changed
    assert times == pytest.approx([1.0, 3.0, 4.0], abs=0.04)


def test_hands_in_sight_do_not_stand_for_events() -> None:
    config = ArmingConfig("arm", armed_at_start=True, disarm_after=1.0, disarm_unseen=3.0)
    states = play(Arming(config), pose("hold_fist", 940, 2.0, 30), 30)
    assert changes(states, 30) == pytest.approx([1.0], abs=0.04)


def test_a_switch_from_outside_counts_with_the_next_frame() -> None:
    arming = Arming(ArmingConfig())
    frames = hands([NOBODY] * 5, 30)
    assert not arming.update(next(frames), (event("a", 0.0),), 0.0).events
    arming.switch()
    assert not arming.armed
    state = arming.update(next(frames), (event("a", 0.03),), 0.03)
    assert state.changed and state.armed
    assert [e.gesture for e in state.events] == ["a"]
    assert not arming.update(next(frames), (), 0.06).changed, "once"
    arming.switch()
    state = arming.update(next(frames), (event("a", 0.09),), 0.09)
    assert state.changed and not state.armed and state.events == ()


def test_other_threads_may_switch() -> None:
    arming = Arming(ArmingConfig())
    changed = 0
    for number, seen in enumerate(hands([NOBODY] * 100, 30)):
        if number % 10 == 0:
            thread = threading.Thread(target=arming.switch)
            thread.start()
            thread.join()
        changed += arming.update(seen, (), seen.timestamp).changed
    assert changed == 10


def test_without_a_gesture_no_event_and_no_hand_switches() -> None:
    arming = Arming(ArmingConfig(armed_at_start=True))
    for seen in hands(pose("hold_open", 940, 2.5, 30), 30):
        state = arming.update(seen, (event(HAND_UP, seen.timestamp),), seen.timestamp)
        assert len(state.events) == 1 and not state.changed and state.progress == 0


def test_reset_forgets_a_switch_that_was_asked_for() -> None:
    arming = Arming(ArmingConfig())
    arming.switch()
    arming.reset()
    assert not arming.update(next(hands([NOBODY], 30)), (), 0.0).changed


@pytest.mark.parametrize(
    "values",
    [
        {"disarm_after": 0.0},
        {"disarm_after": -1.0},
        {"disarm_unseen": 0.0},
        {"disarm_unseen": float("nan")},
        {"hold": 0.0},
    ],
)
def test_senseless_times_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"expected above 0|must be more than 0"):
        ArmingConfig(HAND_UP, **values)  # type: ignore[arg-type]
