"""Landmark archives: any clips and streams come back; nothing from outside is trusted."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_samples import clip, moving_hand
from handflow.data import Archive, load_clips, read_archive, write_archive
from handflow.errors import DatasetError
from handflow.npz import read_npz
from handflow.types import Segment, Stream
from needs import real_data


def arrays(n=2, t=5):
    landmarks = np.zeros((n, t, 2, 21, 3), np.float32)
    landmarks[:, :, 0] = np.nan
    times = np.tile(np.arange(t) / 30, (n, 1))
    return {
        "landmarks": landmarks,
        "timestamps": times,
        "length": np.full(n, t),
        "label": np.array([f"g{i}" for i in range(n)]),
    }


def save(path, **changes):
    np.savez(path, **{k: v for k, v in (arrays() | changes).items() if v is not None})
    return path


def assert_same(a, b):
    for name in ("landmarks", "timestamps", "handedness", "presence"):
        np.testing.assert_array_equal(getattr(a.sequence, name), getattr(b.sequence, name))


def test_clips_and_streams_of_any_length_come_back(tmp_path):
    clips = [clip("a", frames=20, subject="anna"), clip("b", "right", frames=7, session="s1", missing=0.5)]
    stream = Stream(
        "s",
        moving_hand(frames=50),
        (Segment("left", 0.2, 0.9, "both"), Segment("up", 1.0, 2.0, "left")),
        (320, 240),
        "bo",
    )
    write_archive(tmp_path / "x.npz", [*clips, stream])
    archive = read_archive(tmp_path / "x.npz")
    for got, wanted in zip(archive.clips, clips, strict=True):
        assert_same(got, wanted)
        for name in ("id", "label", "subject", "session", "frame_size", "source"):
            assert getattr(got, name) == getattr(wanted, name)
    (got_stream,) = archive.streams
    assert_same(got_stream, stream)
    assert got_stream.segments == stream.segments
    assert (got_stream.id, got_stream.frame_size, got_stream.subject) == ("s", (320, 240), "bo")
    write_archive(tmp_path / "y.npz", archive)
    assert len(read_archive(tmp_path / "y.npz").clips) == 2


def test_a_stream_without_gestures_stays_a_stream(tmp_path):
    write_archive(tmp_path / "x.npz", [Stream("idle", moving_hand(), (), (640, 480))])
    archive = read_archive(tmp_path / "x.npz")
    assert not archive.clips
    assert archive.streams[0].segments == ()
    with pytest.raises(DatasetError, match="--protocol stream"):
        load_clips(tmp_path / "x.npz")


def test_the_least_archive_is_enough_and_handedness_follows_the_slot(tmp_path):
    archive = read_archive(save(tmp_path / "x.npz"))
    first = archive.clips[0]
    assert [c.label for c in archive.clips] == ["g0", "g1"]
    np.testing.assert_array_equal(first.sequence.seen, [[False, True]] * 5)
    np.testing.assert_array_equal(first.sequence.handedness, [[np.nan, 1]] * 5)
    np.testing.assert_array_equal(first.sequence.presence, [[0, 1]] * 5)
    assert first.subject is None
    assert first.session is None


def test_a_hand_that_is_half_nan_counts_as_not_there(tmp_path):
    landmarks = arrays()["landmarks"]
    landmarks[0, 2, 1, 7] = np.nan
    landmarks[0, 3, 1, 7, 2] = np.inf
    seen = read_archive(save(tmp_path / "x.npz", landmarks=landmarks)).clips[0].sequence
    assert seen.seen[:, 1].tolist() == [True, True, False, False, True]
    assert np.isnan(seen.landmarks[2:4]).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": None}, "has no 'label'"),
        ({"landmarks": np.zeros((2, 5, 21, 3))}, r"expected numbers of shape \(N, T, 2, 21, 3\)"),
        ({"landmarks": np.full((2, 5, 2, 21, 3), "x")}, "expected numbers"),
        ({"timestamps": np.zeros((2, 4))}, "timestamps"),
        ({"timestamps": np.zeros((2, 5))}, "row 0: timestamps do not increase"),
        ({"timestamps": np.full((2, 5), np.nan)}, "row 0: timestamps do not increase"),
        ({"length": np.array([5, 9])}, "length holds 5 to 9"),
        ({"length": np.array([0, 5])}, "length holds 0 to 5"),
        ({"length": np.array([5.0, 5.0])}, "length is float64"),
        ({"label": np.array(["a"])}, "label"),
        ({"label": np.array([1, 2])}, "label"),
        ({"label": np.array(["a", "b"], dtype=object)}, "pickled"),
        ({"subject": np.array(["a", "b", "c"])}, "subject"),
        ({"frame_size": np.zeros((3, 2), int)}, "frame_size|broadcast"),
        ({"segment_stream": np.array([0])}, "segment_label"),
        (
            {
                "segment_stream": np.array([7]),
                "segment_label": np.array(["a"]),
                "segment_onset": np.zeros(1),
                "segment_offset": np.ones(1),
            },
            "belongs to stream 7",
        ),
        (
            {
                "segment_stream": np.array([0]),
                "segment_label": np.array(["a"]),
                "segment_onset": np.ones(1),
                "segment_offset": np.zeros(1),
            },
            "lasts from 1.0 to 0.0",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path, changes, message):
    with pytest.raises(DatasetError, match=message) as caught:
        read_archive(save(tmp_path / "x.npz", **changes))
    assert "x.npz" in str(caught.value)
    assert "\n" not in str(caught.value)


class Bomb:
    def __reduce__(self):
        return (Path.touch, (Path("pickle-was-run"),))


def test_pickles_are_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    with zipfile.ZipFile("x.npz", "w") as archive:
        archive.writestr("landmarks.npy", member.getvalue() + pickle.dumps(Bomb()))
    with pytest.raises(DatasetError, match="pickled Python objects, which are never read"):
        read_archive("x.npz")
    assert not Path("pickle-was-run").exists()


def test_a_bomb_is_refused_before_it_unpacks(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("landmarks.npy", b"\0" * (5 << 20))
    with pytest.raises(DatasetError, match="unpacks to 5 MB, more than the 1 MB"):
        read_npz(tmp_path / "x.npz", limit=1 << 20)


@pytest.mark.parametrize("shape", [(10**15,), (1 << 40, 1 << 40), (3,)])
@pytest.mark.parametrize("descr", ["<f8", "<U0"])
def test_a_header_that_lies_about_its_size_allocates_nothing(tmp_path, shape, descr):
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": descr, "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("landmarks.npy", member.getvalue() + b"\0" * 8)
    with pytest.raises(DatasetError, match="damaged"):
        read_npz(tmp_path / "x.npz")


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 2999), flip=st.integers(0, 2999), bits=st.integers(1, 255))
def test_damaged_files_are_refused_or_read_but_never_crash(tmp_path_factory, cut, flip, bits):
    folder = tmp_path_factory.mktemp("damage")
    data = bytearray(save(folder / "x.npz").read_bytes())
    data[flip * len(data) // 3000] ^= bits
    if cut % 2:
        del data[cut * len(data) // 3000 :]
    (folder / "x.npz").write_bytes(data)
    try:
        assert len(read_archive(folder / "x.npz").clips) == 2
    except DatasetError as error:
        assert "x.npz" in str(error)


@settings(max_examples=25, deadline=None)
@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=6), fps=st.floats(1, 240))
def test_clips_of_any_length_and_rate_come_back(tmp_path_factory, lengths, fps):
    path = tmp_path_factory.mktemp("any") / "x.npz"
    clips = [clip(f"c{n}", frames=length, fps=fps, seed=n) for n, length in enumerate(lengths)]
    write_archive(path, clips)
    for got, wanted in zip(load_clips(path), clips, strict=True):
        assert_same(got, wanted)


def test_nothing_to_write_is_said(tmp_path):
    with pytest.raises(DatasetError, match="no clips or streams"):
        write_archive(tmp_path / "x.npz", Archive([], []))


def test_real_archives_are_read():
    folder = real_data() / "landmarks"
    words = load_clips(folder / "webcam_words.npz")
    assert len(words) == 180
    assert {c.label for c in words} == {"hello", "seeyoulater", "thanks"}
    assert {c.frame_size for c in words} == {(640, 480)}
    assert [len(c.sequence) for c in load_clips(folder / "repeated_gestures.npz")] == [454] * 3
