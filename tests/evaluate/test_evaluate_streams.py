"""Streams through recognizer and spotter, as live."""

import numpy as np
import pytest

from evaluate.recognizers import FakeRecognizer, sequence, stream
from handflow.errors import DatasetError
from handflow.evaluate import StreamEvents, recognize_stream, score_streams
from handflow.evaluate.streams import check_streams, slotted_frames, untaught_gestures
from handflow.hands import HandSlots, SlottedHands
from handflow.recognize import Spotter
from handflow.recognize.spotting import Spotting
from handflow.types import Hand, Hands, Region, Stream


def test_a_stream_gives_one_event_per_gesture_and_a_full_score():
    one = stream([("up", 1.0, 1.6), ("left", 3.0, 3.5), ("up", 5.0, 5.6)], 8.0)
    events = recognize_stream(Spotting(FakeRecognizer()), one)
    assert [e.gesture for e in events] == ["up", "left", "up"]
    result = score_streams([StreamEvents(one.id, one.segments, tuple(events), one.sequence.duration)])
    assert (result.f1, result.levenshtein_accuracy, result.false_activations) == (1.0, 1.0, 0)


def test_recognizer_and_spotter_are_reset_before_each_stream():
    recognizer = FakeRecognizer()
    spotting = Spotting(recognizer)
    one = stream([("up", 1.0, 1.6)], 3.0)
    first = recognize_stream(spotting, one)
    assert recognize_stream(spotting, one) == first
    assert recognizer.resets == 2


def test_pending_events_are_asked_for_when_a_stream_ends():
    class Late(Spotter):
        def update(self, scores):
            self.last = super().update(scores) or getattr(self, "last", ())
            return ()

        def finish(self):
            return getattr(self, "last", ())

    class Patient(FakeRecognizer):
        def spotter(self):
            return Late(super().spotter().config)

    events = recognize_stream(Spotting(Patient()), stream([("up", 1, 2)], 3))
    assert [e.gesture for e in events] == ["up"]


def test_frames_carry_their_own_times_not_their_numbers():
    seen = []

    class Noting(FakeRecognizer):
        def update_each(self, hands, timestamp, frame, image=None):
            seen.append((timestamp, frame))
            return super().update_each(hands, timestamp, frame)

    uneven = sequence([0.0] * 4, fps=7, start=12.5)
    recognize_stream(Spotting(Noting()), Stream("s", uneven, (), (640, 480)))
    assert seen == [(pytest.approx(12.5 + i / 7), i) for i in range(4)]


def test_slots_of_a_stream_are_those_that_the_live_path_makes_of_the_same_hands():
    codes = [10.0, 11.0, None, 13.0, 14.0]
    live, slots, track = [], HandSlots(), -1
    for i, code in enumerate(codes):
        hands = ()
        if code is not None:
            track += i in (0, 3)  # the landmarker numbers a hand anew that was lost
            points = sequence([code]).landmarks[0, 1]
            hands = (Hand(points, points, points, 1.0, 1.0, "right", track, Region(0, 0, 1, 0)),)
        live.append(slots.update(Hands(hands, i / 30, i, (640, 480))))
    for ours, theirs in zip(slotted_frames(sequence(codes)), live, strict=True):
        assert isinstance(ours, SlottedHands)
        np.testing.assert_array_equal(ours.landmarks, theirs.landmarks)
        np.testing.assert_array_equal(ours.presence, theirs.presence)
        np.testing.assert_array_equal(ours.handedness, theirs.handedness)
        assert ours.tracks == theirs.tracks


def test_untaught_gestures_are_counted():
    streams = [stream([("up", 1, 2), ("down", 3, 4)], 6), stream([("down", 1, 2)], 4)]
    assert untaught_gestures(("background", "up"), streams) == {"down": 2}
    assert untaught_gestures(("up", "down"), streams) == {}


def test_an_archive_without_streams_is_refused_with_the_remedy():
    for streams in ([], [stream([], 0.04)]):
        with pytest.raises(DatasetError, match=r"clips\.npz holds no continuous streams.*handflow synth"):
            check_streams(streams, "clips.npz")
