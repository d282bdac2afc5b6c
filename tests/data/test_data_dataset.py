"""Datasets on disk: what goes in comes out, and every write is whole or absent."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_samples import clip, files_of, make_dataset, picture, pictures
from handflow.data import Dataset, load_clips
from handflow.data.naming import clip_id, gesture_name
from handflow.errors import DatasetError
from handflow.types import Frame


def assert_same(a, b):
    for name in ("landmarks", "timestamps", "handedness", "presence"):
        np.testing.assert_array_equal(getattr(a.sequence, name), getattr(b.sequence, name))


def test_a_clip_comes_back_as_it_was_stored(tmp_path):
    stored = clip("take 1", "swipe left", subject="anna", session="monday", missing=0.3)
    dataset = Dataset.create(tmp_path / "ds")
    entry = dataset.add(stored, assumed_fps=20)
    (loaded,) = load_clips(tmp_path / "ds")
    assert_same(loaded, stored)
    assert (loaded.id, loaded.label) == ("take 1", "swipe left")
    assert (loaded.subject, loaded.session) == ("anna", "monday")
    assert loaded.frame_size == (640, 480)
    assert Dataset.open(tmp_path / "ds").find("take 1").assumed_fps == 20
    assert not entry.has_frames


def test_pictures_come_back_unmirrored_with_their_times(tmp_path):
    dataset = Dataset.create(tmp_path / "ds")
    entry = dataset.add_frames("wave", [replace(f, timestamp=f.timestamp + 7.25) for f in pictures(12)])
    assert sorted(p.name for p in (entry.path / "frames").iterdir())[:2] == ["0001.jpg", "0002.jpg"]
    frames = list(dataset.frames(entry))
    assert [f.timestamp for f in frames] == [n / 30 + 7.25 for n in range(12)]
    for n, frame in enumerate(frames):
        assert np.abs(frame.image.astype(int) - picture(n)).mean() < 2
    with pytest.raises(DatasetError, match="handflow extract"):
        dataset.load(entry)


def test_ids_are_unique_in_the_whole_dataset(tmp_path):
    dataset = Dataset.create(tmp_path / "ds")
    ids = [dataset.add(clip("a", g)).id for g in ("left", "right", "left")]
    assert ids == ["a", "a-2", "a-3"]
    assert [dataset.add(clip("", "left")).id for _ in range(2)] == ["left-0003", "left-0004"]
    assert dataset.add(clip("../../evil", "left")).path.parent == tmp_path / "ds/clips/left"
    assert len(dataset.entries()) == 6
    assert dataset.gestures == ("left", "right")


def test_delete_and_relabel_can_be_taken_back_in_turn(tmp_path):
    dataset = make_dataset(tmp_path / "ds", takes=2)
    before = [(e.id, e.label) for e in dataset.entries()]
    dataset.delete("left-0")
    dataset.relabel("left-1", "right")
    assert [e.id for e in dataset.entries()] == ["left-1", "right-0", "right-1"]
    assert {e.label for e in dataset.entries()} == {"right"}
    assert "left-0" not in dataset
    assert dataset.undo().clip == "left-1"
    assert dataset.undo().clip == "left-0"
    assert [(e.id, e.label) for e in Dataset.open(tmp_path / "ds").entries()] == before
    with pytest.raises(DatasetError, match="nothing to undo"):
        dataset.undo()


def test_the_same_id_can_be_deleted_twice_and_both_brought_back(tmp_path):
    dataset = Dataset.create(tmp_path / "ds")
    for _ in range(2):
        dataset.add(clip("a"))
        dataset.delete("a")
    dataset.undo()
    with pytest.raises(DatasetError, match="exists by now"):
        dataset.undo()
    dataset.relabel("a", "other", new=True)
    assert dataset.undo().action == "relabel"


def test_a_journal_from_outside_moves_nothing_out_of_the_dataset(tmp_path):
    dataset = make_dataset(tmp_path / "ds", takes=1)
    (tmp_path / "precious").mkdir()
    dataset.delete("left-0")
    step = {"action": "delete", "clip": "x", "before": "clips/x/y", "after": "../precious"}
    dataset.trash.journal.write_text(json.dumps(step) + "\nno json\n")
    with pytest.raises(DatasetError, match="nothing to undo"):
        dataset.undo()
    assert (tmp_path / "precious").is_dir()


# pictures, landmarks, clip.json, and dataset.json for a new gesture
@pytest.mark.parametrize(
    ("step", "with_frames"), [(0, True), (7, True), (22, True), (0, False), (1, False), (2, False)]
)
def test_a_full_disk_leaves_nothing_of_a_clip_and_all_of_the_others(tmp_path, monkeypatch, step, with_frames):
    dataset = Dataset.create(tmp_path / "ds")
    dataset.add(clip("first"))
    before = files_of(tmp_path)
    writes = 0
    opened = Path.open

    def full(self, mode="r", *args, **more):
        nonlocal writes
        if "w" in mode:
            writes += 1
            if writes > step:
                raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return opened(self, mode, *args, **more)

    monkeypatch.setattr(Path, "open", full)
    frames = [replace(f, timestamp=f.index / 20) for f in pictures(20, (640, 480))]
    with pytest.raises(OSError, match="No space"):
        dataset.add(clip("second", "new gesture"), frames if with_frames else None)
    monkeypatch.undo()
    assert files_of(tmp_path) == before
    assert [e.id for e in Dataset.open(tmp_path / "ds").entries()] == ["first"]


def test_an_exception_in_the_source_of_frames_leaves_nothing(tmp_path):
    dataset = Dataset.create(tmp_path / "ds")

    def unplugged():
        yield from pictures(3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dataset.add_frames("wave", unplugged())
    assert files_of(tmp_path / "ds") == {"dataset.json"}


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "has no frames"),
        (pictures(3)[::-1], "not later"),
        ([*pictures(1), Frame(picture(1, (32, 32)), 1.0, 1)], r"\(32, 32\) pixels"),
    ],
)
def test_frames_that_make_no_clip_are_refused(tmp_path, frames, message):
    dataset = Dataset.create(tmp_path / "ds")
    with pytest.raises(DatasetError, match=message):
        dataset.add_frames("wave", frames)
    assert files_of(tmp_path / "ds") == {"dataset.json"}


def test_frames_must_fit_the_landmarks(tmp_path):
    dataset = Dataset.create(tmp_path / "ds")
    with pytest.raises(DatasetError, match="has 5 frames and landmarks for 20"):
        dataset.add(clip("a"), pictures(5, (640, 480)))
    with pytest.raises(DatasetError, match="its frames have"):
        dataset.add(clip("a", frames=5), pictures(5))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"format_version": 99}', "update handflow"),
        ('{"gestures": []}', "check --fix"),
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"format_version": "one"}', "format_version"),
        ('{"format_version": 1, "gestures": ["../x"]}', "cannot name a gesture"),
        ('{"format_version": 1, "flip_map": {"a": "b", "c": "b"}}', "flip_map"),
        ("[" * 100_000, "damaged"),
    ],
)
def test_a_dataset_of_another_format_is_refused_in_one_line(tmp_path, content, message):
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(DatasetError, match=message) as caught:
        Dataset.open(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_dataset_is_only_made_in_an_empty_place(tmp_path):
    (tmp_path / "diary.txt").write_text("mine")
    with pytest.raises(DatasetError, match="no empty folder"):
        Dataset.create(tmp_path)
    Dataset.create(tmp_path / "ds", gestures=["a"], flip_map={"swipe_left": "swipe_right"}, hands_matter=True)
    with pytest.raises(DatasetError, match="already a dataset"):
        Dataset.create(tmp_path / "ds")
    opened = Dataset.create(tmp_path / "ds", exist_ok=True)
    assert opened.flip_map == {"swipe_left": "swipe_right", "swipe_right": "swipe_left"}
    assert opened.hands_matter
    with pytest.raises(DatasetError, match="no such folder"):
        Dataset.open(tmp_path / "absent")
    with pytest.raises(DatasetError, match="holds no clips"):
        load_clips(tmp_path / "ds")


def test_damaged_clips_are_named_and_the_others_listed(tmp_path):
    dataset = make_dataset(tmp_path / "ds", takes=2)
    (tmp_path / "ds/clips/left/left-1/clip.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"'left-1' is damaged: .*timestamps.*check --fix"):
        dataset.entries()
    assert len(dataset.scan()[0]) == 3


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        "../up",
        "a/b",
        "a\\b",
        ".hidden",
        "x" * 81,
        "CON",
        "nul",
        "a\0b",
        "a:b",
        "tab\tbed",
        "é" * 41,
    ],
)
def test_names_that_are_no_safe_folders_are_refused(tmp_path, name):
    dataset = Dataset.create(tmp_path / "ds")
    with pytest.raises(DatasetError, match="cannot name a gesture"):
        dataset.add(clip("a", name))
    assert files_of(tmp_path) == {"ds", "ds/dataset.json"}


@pytest.mark.parametrize("name", ["swipe_left", "Größer werden", "握手", "नमस्ते", "a-1"])
def test_names_of_all_languages_are_kept(tmp_path, name):
    dataset = Dataset.create(tmp_path / "ds")
    assert dataset.add(clip("a", f" {name} ")).label == name
    assert Dataset.open(tmp_path / "ds").gestures == (name,)


@given(st.text(max_size=120))
def test_any_wish_makes_a_safe_id_and_safe_ids_stay(wish):
    made = clip_id(wish)
    assert clip_id(made) == made
    assert not set(made) & set('/\\:*?"<>|\0\n')
    assert made in ("", made.strip(" ."))
    assert len(made.encode()) <= 81


@given(st.text(max_size=60))
def test_gesture_names_are_normal_or_refused(name):
    try:
        normal = gesture_name(name)
    except DatasetError:
        return
    assert gesture_name(normal) == normal
    assert Path(normal).name == normal
