"""Extraction: in processes, resumable, past damaged clips; a landmarker that finds brightness stands in."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from data_samples import BrightHand, clip, files_of, pictures, write_article
from handflow.data import Dataset, load_clips
from handflow.data.extract import extract_landmarks, is_older
from handflow.data.importers import import_path
from handflow.errors import DatasetError, HandflowError
from handflow.hands import HandLandmarkerConfig, HandModels
from handflow.hands.landmarker import VERSION
from needs import real_data


class Killed(BrightHand):
    def update(self, frame):
        os._exit(9)


def bright(dataset, config=HandLandmarkerConfig(), **options):
    return extract_landmarks(dataset, config, make_landmarker=BrightHand, **options)


def version_of(dataset, id):
    return dataset.landmarks(dataset.find(id)).landmarker


@pytest.fixture
def dataset(tmp_path):
    write_article(tmp_path / "data", {"wave": [f"s{n}" for n in range(4)]})
    import_path(tmp_path / "ds", tmp_path / "data")
    return Dataset.open(tmp_path / "ds")


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_clip_gets_its_landmarks(dataset, jobs):
    told = []
    report = bright(dataset, jobs=jobs, progress=lambda *news: told.append(news))
    assert sorted(report.done) == [f"wave-s{n}" for n in range(4)]
    assert (report.kept, report.failed, report.without_hands) == (0, (), ())
    assert [(done, total) for done, total, _ in told] == [(n, 4) for n in range(1, 5)]
    for loaded in load_clips(dataset.path):
        assert np.diff(loaded.sequence.landmarks[:, 1, 0, 0]) == pytest.approx([8, 8, 8])
        assert version_of(dataset, loaded.id) == f"mediapipe-full-{VERSION}"
    assert (bright(dataset).done, bright(dataset).kept) == ((), 4)


def test_only_what_is_missing_or_older_is_done(dataset):
    bright(dataset, jobs=1)
    entries = dataset.entries()
    sequence = dataset.landmarks(entries[0]).sequence
    dataset.store_landmarks(entries[0], sequence, f"mediapipe-full-{VERSION - 1}")
    dataset.store_landmarks(entries[1], sequence, f"mediapipe-full-{VERSION + 1}")
    (entries[2].path / "landmarks.npz").write_bytes(b"damaged")
    given = dataset.add(clip("given", frames=4, fps=30), pictures(4, (640, 480)))
    report = bright(dataset, jobs=1)
    assert report.done == (entries[0].id, entries[2].id)
    assert report.kept == 3
    assert len(bright(dataset, jobs=1, again=True).done) == 5
    assert version_of(dataset, given.id) == f"mediapipe-full-{VERSION}"


def test_landmarks_of_the_other_model_are_found_anew(dataset):
    bright(dataset, jobs=1)
    lite = HandLandmarkerConfig(model="lite")
    assert len(bright(dataset, lite, jobs=1).done) == 4
    assert version_of(dataset, "wave-s0") == lite.version == f"mediapipe-lite-{VERSION}"
    assert bright(dataset, lite, jobs=1).kept == 4


def test_the_longest_clips_come_first(tmp_path):
    dataset = Dataset.create(tmp_path / "ds")
    for count in (3, 9, 5):
        dataset.add_frames("wave", pictures(count), id=f"of-{count}")
    assert bright(dataset, jobs=1).done == ("of-9", "of-5", "of-3")


def test_a_damaged_clip_is_named_and_does_not_stop_the_others(dataset):
    (dataset.find("wave-s1").path / "frames/0002.jpg").write_bytes(b"damaged")
    (dataset.find("wave-s2").path / "clip.json").write_text("{")
    report = bright(dataset, jobs=2)
    assert sorted(report.done) == ["wave-s0", "wave-s3"]
    reasons = dict(report.failed)
    assert "0002.jpg" in reasons["wave-s1"]
    assert "clip.json" in reasons["wave-s2"]


def test_clips_in_which_no_hand_is_seen_are_named(tmp_path):
    dataset = Dataset.create(tmp_path / "ds")
    dark = [type(f)(np.zeros_like(f.image), f.timestamp, f.index) for f in pictures(3)]
    dataset.add_frames("wave", dark, id="dark")
    assert bright(dataset, jobs=1).without_hands == ("dark",)
    assert not load_clips(tmp_path / "ds")[0].sequence.seen.any()


def test_a_process_that_dies_ends_in_one_line(dataset):
    with pytest.raises(HandflowError, match="--jobs 1"):
        extract_landmarks(dataset, jobs=2, make_landmarker=Killed)
    with pytest.raises(DatasetError, match="--jobs 1 or more"):
        extract_landmarks(dataset, jobs=0)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to whole consoles")
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_keeps_what_is_done_and_a_second_run_goes_on(tmp_path, jobs):
    write_article(tmp_path / "data", {"wave": [f"s{n}" for n in range(30)]})
    import_path(tmp_path / "ds", tmp_path / "data")
    (tmp_path / "main.py").write_text(
        textwrap.dedent(f"""
        import sys
        sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parent.parent)]!r}
        from handflow.data import Dataset
        from handflow.data.extract import extract_landmarks
        from data_samples import SlowHand
        if __name__ == "__main__":
            extract_landmarks(Dataset.open({str(tmp_path / "ds")!r}), jobs={jobs},
                              make_landmarker=SlowHand, progress=lambda n, *_: print(n, flush=True))
        """)
    )
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "main.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C reaches the whole group, and not this test
    )
    assert process.stdout is not None
    for _ in range(3):
        process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    assert "Process SpawnProcess" not in errors, "workers end quietly"
    dataset = Dataset.open(tmp_path / "ds")
    done = sum(e.has_landmarks for e in dataset.entries())
    assert 3 <= done < 30
    assert not [p for p in files_of(dataset.path) if ".partial" in p]
    report = bright(dataset, jobs=1)
    assert (report.kept, len(report.done)) == (done, 30 - done)


@pytest.mark.parametrize(
    ("stored", "current", "older"),
    [
        ("mediapipe-full-1", "mediapipe-full-2", True),
        ("mediapipe-full-9", "mediapipe-full-10", True),
        ("mediapipe-full-2", "mediapipe-full-2", False),
        ("mediapipe-full-3", "mediapipe-full-2", False),
        ("mediapipe-lite-3", "mediapipe-full-2", True),
        ("", "mediapipe-full-2", True),
    ],
)
def test_which_landmarks_are_older(stored, current, older):
    assert is_older(stored, current) is older


@pytest.mark.slow
def test_the_real_landmarker_finds_the_hand_of_a_real_video(tmp_path, hand_models: HandModels):
    video = real_data() / "videos"
    (tmp_path / "vid/unlock").mkdir(parents=True)
    (tmp_path / "vid/unlock/a.avi").write_bytes(min(video.glob("*.avi")).read_bytes())
    import_path(tmp_path / "ds", tmp_path / "vid")
    dataset = Dataset.open(tmp_path / "ds")
    assert extract_landmarks(dataset, jobs=1).without_hands == ()
    (loaded,) = load_clips(tmp_path / "ds")
    assert loaded.sequence.seen.any(axis=1).mean() > 0.95
