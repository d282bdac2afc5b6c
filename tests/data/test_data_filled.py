"""Filled frames stay marked wherever they go, and nothing takes them for seen ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from handflow.data.archive import read_archive, write_archive
from handflow.data.import_archive import _turned_back
from handflow.data.landmarks import read_landmarks, write_landmarks
from handflow.data.take import RecorderConfig, why_unusable
from handflow.evaluate.clips import has_hand
from handflow.evaluate.provenance import clip_key
from handflow.evaluate.streams import slotted_frames
from handflow.hands import fill_gaps
from handflow.npz import read_npz, write_npz
from handflow.recognize.features import window_features
from handflow.synth.clips import make_clip
from handflow.synth.person import random_person
from handflow.types import Clip, HandSequence

GAP = slice(20, 24)


@pytest.fixture(scope="module")
def gapped() -> Clip:
    """A clip whose hand is out of sight for four frames."""
    clip = make_clip("hand_right", random_person(11, hand="right"), 4, fps=30, second_hand=False).clip
    landmarks = clip.sequence.landmarks.copy()
    landmarks[GAP] = np.nan
    s = clip.sequence
    return replace(clip, sequence=HandSequence(landmarks, s.timestamps, s.handedness, s.presence))


@pytest.fixture(scope="module")
def filled(gapped: Clip) -> Clip:
    sequence = fill_gaps(gapped.sequence, np.zeros((len(gapped.sequence), 2), int))
    assert sequence.filled[GAP].any(axis=1).all()
    return replace(gapped, sequence=sequence)


def assert_same(a: HandSequence, b: HandSequence) -> None:
    assert np.array_equal(a.landmarks, b.landmarks, equal_nan=True)
    assert np.array_equal(a.filled, b.filled)


def test_an_archive_brings_the_marks_back(filled: Clip, tmp_path: Path) -> None:
    write_archive(tmp_path / "a.npz", [filled])
    (clip,) = read_archive(tmp_path / "a.npz").clips
    assert_same(clip.sequence, filled.sequence)


def test_an_archive_that_tells_no_presence_gives_filled_frames_none(filled: Clip, tmp_path: Path) -> None:
    write_archive(tmp_path / "a.npz", [filled])
    arrays = read_npz(tmp_path / "a.npz")
    write_npz(tmp_path / "b.npz", {k: v for k, v in arrays.items() if k not in ("presence", "handedness")})
    (clip,) = read_archive(tmp_path / "b.npz").clips
    assert (clip.sequence.presence[GAP] == 0).all()


def test_a_clips_landmarks_bring_the_marks_back_and_older_files_have_none(
    filled: Clip, tmp_path: Path
) -> None:
    write_landmarks(tmp_path / "landmarks.npz", filled.sequence, "mediapipe-full-2")
    assert_same(read_landmarks(tmp_path / "landmarks.npz").sequence, filled.sequence)
    arrays = read_npz(tmp_path / "landmarks.npz")
    write_npz(tmp_path / "older.npz", {k: v for k, v in arrays.items() if k != "filled"})
    assert not read_landmarks(tmp_path / "older.npz").sequence.filled.any()


def test_turning_mirrored_clips_back_moves_the_marks_to_the_other_slot(filled: Clip) -> None:
    assert np.array_equal(_turned_back(filled).filled, filled.sequence.filled[:, ::-1])


def test_features_are_those_of_the_gap_not_of_its_filling(gapped: Clip, filled: Clip) -> None:
    end = float(gapped.sequence.timestamps[GAP.stop + 5])
    features = [window_features(clip.sequence, end, 1.0) for clip in (gapped, filled)]
    assert np.array_equal(*features)


def test_a_clip_is_known_again_whether_its_gaps_are_filled_or_not(gapped: Clip, filled: Clip) -> None:
    assert clip_key(gapped) == clip_key(filled)


def test_a_stream_is_played_without_what_was_filled(gapped: Clip, filled: Clip) -> None:
    for a, b in zip(slotted_frames(gapped.sequence), slotted_frames(filled.sequence), strict=True):
        assert np.array_equal(a.landmarks, b.landmarks, equal_nan=True)


def test_training_gets_what_was_seen(filled: Clip) -> None:
    pytest.importorskip("torch")
    from handflow.train import usable_clips

    clips = [replace(filled, id=f"{label}{k}", label=label) for label in "ab" for k in range(8)]
    assert not any(clip.sequence.filled.any() for clip in usable_clips(clips))


def test_a_hand_that_is_nowhere_seen_is_no_hand(filled: Clip) -> None:
    whole = replace(filled.sequence, filled=np.ones_like(filled.sequence.filled))
    assert not has_hand(whole)
    assert why_unusable(whole, RecorderConfig()) is not None
