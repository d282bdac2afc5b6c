"""Importing and finding hands in one pass: whole takes, resumable, equal to import and extract."""

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_samples import BrightHand, clip, files_of, write_article, write_video
from handflow.capture import VideoWriter, open_source
from handflow.data import Dataset, load_clips, write_archive
from handflow.data.extract import extract_landmarks
from handflow.data.importers import import_path
from handflow.data.incoming import ImportOptions
from handflow.data.intake import extract_from
from handflow.errors import DatasetError
from handflow.hands import HandLandmarker, HandLandmarkerConfig, HandModels, track_hands
from handflow.hands.landmarker import VERSION
from moving_hand import write_moving_hand


class DarkHand(BrightHand):
    """Sees no hand anywhere."""

    def update(self, frame):
        return super().update(replace(frame, image=np.zeros_like(frame.image)))


def bright(target, source, options=ImportOptions(), config=HandLandmarkerConfig(), **more):
    return extract_from(target, source, options, config, **{"make_landmarker": BrightHand, **more})


@pytest.fixture
def videos(tmp_path):
    """Five short videos of two gestures and two persons."""
    for name, frames in {"a": 4, "b": 12, "c": 8}.items():
        write_video(tmp_path / f"vid/wave/anna/{name}.avi", frames)
    for name in "de":
        write_video(tmp_path / f"vid/fist/ben/{name}.avi", 6)
    return tmp_path / "vid"


ALL = {"wave-anna-a", "wave-anna-b", "wave-anna-c", "fist-ben-d", "fist-ben-e"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_take_is_stored_with_pictures_and_landmarks(tmp_path, videos, jobs):
    told = []
    report = bright(tmp_path / "ds", videos, jobs=jobs, progress=lambda *news: told.append(news[:2]))
    assert (set(report.added), report.kind, report.kept) == (ALL, "videos", 0)
    assert (report.renewed, report.skipped, report.without_hands) == ((), (), ())
    assert told == [(n, 5) for n in range(1, 6)]
    dataset = Dataset.open(tmp_path / "ds")
    assert sorted(dataset.gestures) == ["fist", "wave"]
    for loaded in load_clips(dataset.path):
        entry = dataset.find(loaded.id)
        assert (entry.subject, entry.session) == (loaded.id.split("-")[1], "vid")
        assert len(list(dataset.frames(entry))) == len(entry.timestamps) == len(loaded.sequence)
        assert np.diff(loaded.sequence.landmarks[:6, 1, 0, 0]) == pytest.approx(8)
        assert dataset.landmarks(entry).landmarker == f"mediapipe-full-{VERSION}"
    again = bright(tmp_path / "ds", videos, jobs=jobs)
    assert (again.added, again.renewed, again.kept) == ((), (), 5)
    assert import_path(tmp_path / "ds", videos).added == (), "import knows them as well"


def test_landmarks_alone_are_stored_where_no_pictures_are_wanted(tmp_path, videos):
    assert set(bright(tmp_path / "ds", videos, keep_frames=False, jobs=1).added) == ALL
    assert not [p for p in files_of(tmp_path / "ds") if p.endswith(("frames", ".jpg"))]
    assert len(load_clips(tmp_path / "ds")) == 5
    older = Dataset.open(tmp_path / "ds")
    entry = older.find("wave-anna-a")
    older.store_landmarks(entry, older.landmarks(entry).sequence, f"mediapipe-full-{VERSION - 1}")
    report = bright(tmp_path / "ds", videos, keep_frames=False, jobs=1)
    assert (report.renewed, report.kept) == (("wave-anna-a",), 4), "found anew from the video"


def test_the_longest_videos_come_first(tmp_path, videos):
    added = bright(tmp_path / "ds", videos, jobs=1).added
    assert added[:2] == ("wave-anna-b", "wave-anna-c")
    assert added[-1] == "wave-anna-a"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_damaged_video_is_named_and_skipped(tmp_path, videos, jobs):
    (videos / "wave/anna/b.avi").write_bytes(b"damaged" * 999)
    (videos / "none").mkdir()
    (videos / "none/x.avi").write_bytes(b"")
    report = bright(tmp_path / "ds", videos, jobs=jobs)
    assert set(report.added) == ALL - {"wave-anna-b"}
    reasons = {p.name: reason for p, reason in report.skipped}
    assert set(reasons) == {"b.avi", "x.avi"}
    assert "no video" in reasons["b.avi"] and "empty" in reasons["x.avi"]
    dataset = Dataset.open(tmp_path / "ds")
    assert sorted(dataset.gestures) == ["fist", "wave"], "a gesture without clips is none"
    assert not [p for p in files_of(dataset.path) if ".partial" in p]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_run_goes_on_where_it_was(tmp_path, videos, jobs):
    def stop(number, *_):
        if number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bright(tmp_path / "ds", videos, jobs=jobs, progress=stop)
    dataset = Dataset.open(tmp_path / "ds")
    done = {e.id for e in dataset.entries()}
    assert 2 <= len(done) < 5
    assert all(e.has_landmarks and e.has_frames for e in dataset.entries())
    assert not [p for p in files_of(dataset.path) if ".partial" in p]
    report = bright(tmp_path / "ds", videos, jobs=jobs)
    assert (report.kept, set(report.added)) == (len(done), ALL - done)
    assert {e.id for e in dataset.entries()} == ALL


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_run_leaves_no_process_and_goes_on_where_it_was(tmp_path):
    for n in range(12):
        write_video(tmp_path / f"vid/wave/{n}.avi", 8)
    (tmp_path / "main.py").write_text(
        textwrap.dedent(f"""
        import sys
        sys.path[:0] = {[str(Path(__file__).parent.parent)]!r}
        from data_samples import SlowHand
        from handflow.data.intake import extract_from
        if __name__ == "__main__":
            extract_from({str(tmp_path / "ds")!r}, {str(tmp_path / "vid")!r}, jobs=2,
                         make_landmarker=SlowHand, progress=lambda n, *_: print(n, flush=True))
        """)
    )
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "main.py")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    for _ in range(3):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=20)
    assert process.stdout.read() is not None, "its processes have ended, too: they held the pipe"
    done = len(Dataset.open(tmp_path / "ds").entries())
    assert 3 <= done < 12
    report = bright(tmp_path / "ds", tmp_path / "vid", jobs=1)
    assert (report.kept, len(report.added)) == (done, 12 - done)
    assert not [p for p in files_of(tmp_path / "ds") if ".partial" in p]


def test_takes_that_were_imported_without_landmarks_get_them(tmp_path, videos):
    import_path(tmp_path / "ds", videos)
    report = bright(tmp_path / "ds", videos, jobs=2)
    assert (report.added, set(report.renewed), report.kept) == ((), ALL, 0)
    assert len(load_clips(tmp_path / "ds")) == 5


def test_landmarks_of_an_older_version_or_another_model_are_found_anew(tmp_path, videos):
    bright(tmp_path / "ds", videos, jobs=1)
    dataset = Dataset.open(tmp_path / "ds")
    one, other = dataset.find("wave-anna-a"), dataset.find("wave-anna-b")
    dataset.store_landmarks(one, dataset.landmarks(one).sequence, f"mediapipe-full-{VERSION - 1}")
    dataset.store_landmarks(other, dataset.landmarks(other).sequence, "given")
    report = bright(tmp_path / "ds", videos, jobs=1)
    assert (report.renewed, report.kept) == (("wave-anna-a",), 4)
    lite = HandLandmarkerConfig(model="lite")
    assert set(bright(tmp_path / "ds", videos, config=lite, jobs=1).renewed) == ALL - {"wave-anna-b"}
    assert dataset.landmarks(one).landmarker == f"mediapipe-lite-{VERSION}"
    assert set(bright(tmp_path / "ds", videos, config=lite, jobs=1, again=True).renewed) == ALL


def test_a_video_whose_content_has_changed_is_another_take(tmp_path, videos):
    bright(tmp_path / "ds", videos, jobs=1)
    write_video(videos / "wave/anna/a.avi", 9)
    assert bright(tmp_path / "ds", videos, jobs=1).added == ("wave-anna-a-2",)


@pytest.mark.parametrize("jobs", [1, 2])
def test_takes_whose_names_collide_get_ids_of_their_own(tmp_path, jobs):
    """In the order of their names, whatever their length."""
    for path, frames in {"wave/a.avi": 3, "wave/a.mp4": 9, "a/b-c.avi": 4, "a-b/c.avi": 5}.items():
        write_video(tmp_path / "vid" / path, frames)
    bright(tmp_path / "ds", tmp_path / "vid", jobs=jobs)
    entries = {e.id: len(e.timestamps) for e in Dataset.open(tmp_path / "ds").entries()}
    assert entries == {"wave-a": 3, "wave-a-2": 9, "a-b-c": 4, "a-b-c-2": 5}


@pytest.mark.parametrize("jobs", [1, 2])
def test_article_folders_come_with_the_options_of_an_import(tmp_path, jobs):
    write_article(tmp_path / "data", {"wave": ["s1", "s2", "s3"]}, 6)
    (tmp_path / "data/wave/s1/wave_sequence1_frame2.jpg").write_bytes(b"")
    options = ImportOptions(fps=12.5, mirrored=False, subject="anna", session="monday")
    report = bright(tmp_path / "ds", tmp_path / "data", options, jobs=jobs)
    assert len(report.added) == 3
    assert [p.name for p, _ in report.skipped] == ["wave_sequence1_frame2.jpg"]
    entry = Dataset.open(tmp_path / "ds").find("wave-s1")
    assert (entry.subject, entry.session, entry.assumed_fps) == ("anna", "monday", 12.5)
    np.testing.assert_allclose(entry.timestamps * 12.5, [0, 1, 3, 4, 5])


def test_landmarks_alone_that_were_made_with_other_times_are_not_mixed(tmp_path):
    write_article(tmp_path / "data", {"wave": ["s1", "s2"]})
    bright(tmp_path / "ds", tmp_path / "data", keep_frames=False, jobs=1)
    before = load_clips(tmp_path / "ds")[0].sequence
    with pytest.raises(DatasetError, match=r"other times.*--delete wave-s1"):
        bright(tmp_path / "ds", tmp_path / "data", ImportOptions(fps=10), jobs=1, again=True)
    np.testing.assert_array_equal(load_clips(tmp_path / "ds")[0].sequence.timestamps, before.timestamps)


def test_clips_without_a_hand_are_named(tmp_path, videos):
    assert set(bright(tmp_path / "ds", videos, jobs=1, make_landmarker=DarkHand).without_hands) == ALL


def test_nothing_is_left_where_nothing_comes(tmp_path):
    write_archive(tmp_path / "x.npz", [clip("a")])
    (tmp_path / "vid/wave").mkdir(parents=True)
    (tmp_path / "vid/wave/a.avi").write_bytes(b"damaged")
    for source, words in (("x.npz", "handflow import"), ("vid", "a.avi"), ("absent", "no such file")):
        with pytest.raises(DatasetError, match=words):
            bright(tmp_path / "ds", tmp_path / source, jobs=1)
        assert not (tmp_path / "ds").exists()
    with pytest.raises(DatasetError, match="--jobs 1 or more"):
        bright(tmp_path / "ds", tmp_path / "vid", jobs=0)


def test_one_pass_finds_what_import_and_extract_find(tmp_path, hand_models: HandModels):
    """On a rendered hand with the real models: the same up to JPEG, and just that of the video's pixels."""
    video = tmp_path / "vid/wave/a.mp4"
    video.parent.mkdir(parents=True)
    with (
        open_source(write_moving_hand(tmp_path / "hand", 20)) as source,
        VideoWriter(video, source.size, 30) as out,
    ):
        for frame in source:
            out.write(frame.image, frame.timestamp)
    import_path(tmp_path / "two", tmp_path / "vid")
    extract_landmarks(Dataset.open(tmp_path / "two"), jobs=1)
    extract_from(tmp_path / "one", tmp_path / "vid", jobs=1)
    extract_from(tmp_path / "bare", tmp_path / "vid", jobs=1, keep_frames=False)
    two, one, bare = (load_clips(tmp_path / name)[0].sequence for name in ("two", "one", "bare"))
    with open_source(video) as source:
        direct = track_hands(source, HandLandmarker(models=hand_models))
    assert one.seen.any(axis=1).mean() > 0.9
    for sequence in (one, bare):
        np.testing.assert_array_equal(sequence.landmarks, direct.landmarks)
        np.testing.assert_array_equal(sequence.timestamps, direct.timestamps)
    np.testing.assert_array_equal(one.seen, two.seen)
    assert np.nanmean(np.abs(one.landmarks - two.landmarks)[..., :2]) < 0.5
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
