"""Importers: takes by folder, frames in natural order, mirrored pictures turned back, all or nothing."""

import errno
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_samples import clip, files_of, moving_hand, picture, write_article, write_video
from handflow.data import Dataset, load_clips, write_archive
from handflow.data.importers import IMPORTERS, detect_importer, import_into, import_path
from handflow.data.incoming import ImportOptions
from handflow.data.pictures import encode_jpeg
from handflow.errors import DatasetError
from handflow.types import Segment, Stream
from needs import real_data


def bright_columns(image):
    """How many columns of a sample picture are bright, and whether they are on the left."""
    bright = image[24, :, 0] > 110
    return int(bright.sum()), bool(bright[0])


def test_the_article_layout_is_grouped_by_folder_ordered_naturally_and_turned_back(tmp_path):
    write_article(
        tmp_path / "data", {"wave": ["sequence1", "sequence2", "sequence10"], "fist": ["sequence0"]}, 12
    )
    report = import_path(tmp_path / "ds", tmp_path / "data")
    assert report.kind == "article"
    assert [e.id for e in report.added] == [
        "fist-sequence0",
        "wave-sequence1",
        "wave-sequence2",
        "wave-sequence10",
    ]
    dataset = Dataset.open(tmp_path / "ds")
    for entry in dataset.entries():
        assert entry.assumed_fps == 30
        assert entry.session == "data"
        np.testing.assert_allclose(entry.timestamps, np.arange(12) / 30)
        found = [bright_columns(f.image) for f in dataset.frames(entry)]
        assert found == [(8 * (n % 8 + 1), n % 8 == 7) for n in range(12)], (
            "frame10 after frame9, mirrored back"
        )


@pytest.mark.parametrize(("mirrored", "on_the_left"), [(None, False), (True, False), (False, True)])
def test_mirrored_is_the_default_and_can_be_overridden(tmp_path, mirrored, on_the_left):
    write_article(tmp_path / "data", {"wave": ["s1"]})
    dataset = Dataset.create(tmp_path / "ds")
    options = ImportOptions(fps=12.5, mirrored=mirrored, subject="anna", session="monday")
    (entry,) = import_into(dataset, tmp_path / "data", options).added
    assert bright_columns(next(dataset.frames(entry)).image) == (8, on_the_left)
    assert (entry.subject, entry.session, entry.assumed_fps) == ("anna", "monday", 12.5)
    assert entry.timestamps[1] == 1 / 12.5


def test_the_folder_around_data_does_as_well(tmp_path):
    write_article(tmp_path / "project/data", {"wave": ["s1"], "data": ["s1"]})
    (tmp_path / "project/readme.txt").write_text("x")
    report = import_path(tmp_path / "ds", tmp_path / "project")
    assert [e.label for e in report.added] == ["data", "wave"]


names = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=6)


@settings(max_examples=25, deadline=None)
@given(
    prefix=names,
    numbers=st.lists(st.integers(0, 120), min_size=1, max_size=14, unique=True),
    takes=st.lists(st.integers(0, 300), min_size=1, max_size=3, unique=True),
    shift=st.integers(0, 2),
    pad=st.booleans(),
    seed=st.integers(0, 9),
)
def test_any_names_numbers_and_orders_of_writing_come_in_order(
    tmp_path_factory, prefix, numbers, takes, shift, pad, seed
):
    root = tmp_path_factory.mktemp("any")
    jobs = [(take, number) for take in takes for number in numbers]
    random.Random(seed).shuffle(jobs)
    rank = {number: n for n, number in enumerate(sorted(numbers))}
    for take, number in jobs:
        folder = root / "data" / "gesture" / f"sequence{take}"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{prefix}_sequence{take + shift}_frame{number:03d}" if pad else f"{prefix}_frame{number}"
        (folder / f"{name}.jpg").write_bytes(encode_jpeg(picture(rank[number])))
    report = import_path(root / "ds", root / "data")
    dataset = Dataset.open(root / "ds")
    assert [e.id for e in report.added] == [f"gesture-sequence{take}" for take in sorted(takes)]
    for entry in report.added:
        found = [bright_columns(f.image)[0] for f in dataset.frames(entry)]
        assert found == [8 * (n % 8 + 1) for n in range(len(numbers))]


def test_unreadable_pictures_are_named_and_leave_a_gap_in_time(tmp_path):
    write_article(
        tmp_path / "data",
        {"wave": ["s1", "s2", "s3"], "bad\\name" if Path("a\\b").name != "b" else "bad$": ["s1"]},
        6,
    )
    whole = (tmp_path / "data/wave/s1/wave_sequence1_frame2.jpg").read_bytes()
    (tmp_path / "data/wave/s1/wave_sequence1_frame2.jpg").write_bytes(whole[: len(whole) // 2])
    for path in (tmp_path / "data/wave/s2").iterdir():
        path.write_bytes(b"")
    (tmp_path / "data/wave/empty").mkdir()
    report = import_path(tmp_path / "ds", tmp_path / "data")
    assert [e.id for e in report.added] == ["wave-s1", "wave-s3"]
    np.testing.assert_allclose(report.added[0].timestamps * 30, [0, 1, 3, 4, 5])
    reasons = {p.name: r for p, r in report.skipped}
    assert "cut off" in reasons["wave_sequence1_frame2.jpg"]
    assert "pictures are damaged" in reasons["s2"]
    assert "holds no pictures" in reasons["empty"]
    assert "cannot name a gesture" in reasons["s1"]
    assert sorted(p.name for p in (tmp_path / "ds/clips/wave").iterdir()) == ["wave-s1", "wave-s3"]


def test_pictures_of_two_sizes_in_a_take_are_refused(tmp_path):
    write_article(tmp_path / "data", {"wave": ["s1", "s2"]})
    (tmp_path / "data/wave/s1/wave_sequence1_frame9.jpg").write_bytes(encode_jpeg(picture(0, (32, 32))))
    report = import_path(tmp_path / "ds", tmp_path / "data")
    assert [e.id for e in report.added] == ["wave-s2"]
    assert "(32, 32)" in report.skipped[0][1]


def test_an_import_that_was_cut_short_goes_on_where_it_ended(tmp_path, monkeypatch):
    write_article(tmp_path / "data", {"wave": ["s1", "s2", "s3"]})
    seen = []

    def stop_after_two(done, total, name):
        seen.append((done, total, name))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_path(tmp_path / "ds", tmp_path / "data", progress=stop_after_two)
    assert seen == [(1, 3, "wave-s1"), (2, 3, "wave-s2")]
    report = import_path(tmp_path / "ds", tmp_path / "data")
    assert ([e.id for e in report.known], [e.id for e in report.added]) == (
        ["wave-s1", "wave-s2"],
        ["wave-s3"],
    )
    assert len(Dataset.open(tmp_path / "ds").entries()) == 3


def test_a_full_disk_keeps_the_whole_takes_and_nothing_else(tmp_path, monkeypatch):
    write_article(tmp_path / "data", {"wave": ["s1", "s2"]})
    written = 0
    opened = Path.open

    def full(self, mode="r", *args, **more):
        nonlocal written
        if "w" in mode and self.suffix == ".jpg":
            written += 1
            if written > 6:
                raise OSError(errno.ENOSPC, "No space left on device")
        return opened(self, mode, *args, **more)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match="No space"):
        import_path(tmp_path / "ds", tmp_path / "data")
    monkeypatch.undo()
    assert {p for p in files_of(tmp_path / "ds/clips") if p.count("/") == 1} == {"wave/wave-s1"}


def test_videos_bring_their_times_subjects_and_sessions(tmp_path):
    write_video(tmp_path / "vid/wave/a.mp4")
    write_video(tmp_path / "vid/wave/anna/b.avi", fps=10)
    write_video(tmp_path / "vid/fist/bo/monday/c.mp4")
    (tmp_path / "vid/fist/bo/broken.mp4").write_bytes(b"no video")
    write_video(tmp_path / "vid/stray.mp4")
    report = import_path(tmp_path / "ds", tmp_path / "vid")
    assert report.kind == "videos"
    found = {e.id: (e.label, e.subject, e.session, len(e.timestamps)) for e in report.added}
    assert found == {
        "wave-a": ("wave", None, "vid", 6),
        "wave-anna-b": ("wave", "anna", "vid", 6),
        "fist-bo-monday-c": ("fist", "bo", "monday", 6),
    }
    times = {e.id: np.diff(e.timestamps) for e in report.added}
    np.testing.assert_allclose(times["wave-a"], 1 / 20, atol=1e-3)
    np.testing.assert_allclose(times["wave-anna-b"], 1 / 10, atol=1e-3)
    assert {p.name for p, _ in report.skipped} == {"broken.mp4", "stray.mp4"}
    dataset = Dataset.open(tmp_path / "ds")
    assert bright_columns(next(dataset.frames(dataset.find("wave-a"))).image)[1], "not mirrored by default"
    assert all(e.assumed_fps is None for e in dataset.entries())


def test_archives_become_clips_without_pictures(tmp_path):
    clips = [clip("a", "left", subject="anna", session="s1", frames=9), clip("b", "right", frames=30)]
    write_archive(tmp_path / "words.npz", clips)
    report = import_path(tmp_path / "ds", tmp_path / "words.npz")
    assert [(e.id, e.label, e.subject, e.session) for e in report.added] == [
        ("a", "left", "anna", "s1"),
        ("b", "right", None, "words"),
    ]
    for got, wanted in zip(load_clips(tmp_path / "ds"), clips, strict=True):
        np.testing.assert_array_equal(got.sequence.landmarks, wanted.sequence.landmarks)
    again = import_path(tmp_path / "ds", tmp_path / "words.npz")
    assert (len(again.added), len(again.known)) == (0, 2)


def test_mirrored_archives_are_turned_back_hand_and_all(tmp_path):
    write_archive(tmp_path / "x.npz", [clip("a", direction=(1, 0), slot=1)])
    import_path(tmp_path / "ds", tmp_path / "x.npz", ImportOptions(mirrored=True))
    (turned,) = load_clips(tmp_path / "ds")
    assert turned.sequence.seen[0].tolist() == [True, False]
    np.testing.assert_allclose(turned.sequence.handedness[0, 0], 0.02, atol=1e-6)
    original = clip("a", direction=(1, 0), slot=1).sequence.landmarks[:, 1]
    np.testing.assert_allclose(turned.sequence.landmarks[:, 0, :, 0], 640 - original[..., 0], atol=1e-3)
    np.testing.assert_array_equal(turned.sequence.landmarks[:, 0, :, 1], original[..., 1])


def test_streams_stay_archives(tmp_path):
    stream = Stream("s", moving_hand(), (Segment("left", 0.1, 0.5),), (640, 480))
    write_archive(tmp_path / "x.npz", [stream])
    with pytest.raises(DatasetError, match="--protocol stream"):
        import_path(tmp_path / "ds", tmp_path / "x.npz")
    assert not (tmp_path / "ds").exists()
    write_archive(tmp_path / "both.npz", [clip("a"), stream])
    report = import_path(tmp_path / "ds", tmp_path / "both.npz")
    assert (len(report.added), len(report.skipped)) == (1, 1)


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir(), lambda p: p.write_text("x")])
def test_what_cannot_be_imported_leaves_no_dataset(tmp_path, make):
    make(tmp_path / "source")
    with pytest.raises(DatasetError, match=r"no such file|no layout that can be imported") as caught:
        import_path(tmp_path / "ds", tmp_path / "source")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ds").exists()


@pytest.mark.parametrize(
    "wrong", [{"fps": 0}, {"fps": float("nan")}, {"fps": -1}, {"subject": " "}, {"session": ""}]
)
def test_impossible_options_are_refused(wrong):
    with pytest.raises(DatasetError):
        ImportOptions(**wrong)


def test_an_unknown_importer_lists_the_known_ones(tmp_path):
    with pytest.raises(DatasetError, match="archive, article, videos"):
        import_path(tmp_path / "ds", tmp_path, kind="zip")
    assert detect_importer.__doc__
    assert set(IMPORTERS) == {"archive", "article", "videos"}


def test_real_videos_are_imported(tmp_path):
    videos = sorted((real_data() / "videos").glob("*.avi"))[:1]
    (tmp_path / "vid/unlock").mkdir(parents=True)
    (tmp_path / "vid/unlock/a.avi").write_bytes(videos[0].read_bytes())
    (entry,) = import_path(tmp_path / "ds", tmp_path / "vid").added
    assert entry.frame_size == (1920, 1080)
    assert 25 < len(entry.timestamps) / (entry.timestamps[-1] - entry.timestamps[0]) < 35
