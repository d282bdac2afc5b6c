"""Check: every kind of trouble is named, nothing healthy is, and `fix` mends without losing anything."""

import json
import os
import shutil

import numpy as np
import pytest

from data_samples import clip, files_of, make_dataset, pictures
from handflow.data import Dataset, load_clips
from handflow.data import repair as repair_module
from handflow.data.check import HINTS, PROBLEMS, check_dataset
from handflow.data.doubts import doubtful_labels
from handflow.errors import DatasetError
from needs import real_data

NOBODY = 2**22 + 1  # no process: above the highest process number of Linux


@pytest.fixture
def dataset(tmp_path):
    return make_dataset(tmp_path / "ds", gestures=("left", "right", "up"))


def found(report, *, fixed=False):
    return {(f.kind, f.clip) for f in report.findings if f.fixed is fixed}


def test_a_healthy_dataset_is_fine(dataset):
    report = check_dataset(dataset.path)
    assert report.findings == ()
    assert report.fine
    assert report.clips == 18


def test_a_real_healthy_dataset_is_fine(tmp_path):
    dataset = Dataset.create(tmp_path / "ds")
    for one in load_clips(real_data() / "landmarks" / "webcam_words.npz")[::3]:
        dataset.add(one)
    assert check_dataset(tmp_path / "ds").findings == ()


def damage_json(d):
    (d.path / "clips/left/left-1/clip.json").write_text("{")


def damage_landmarks(d):
    path = d.path / "clips/left/left-1/landmarks.npz"
    path.write_bytes(path.read_bytes()[:-60])


def drop_all_files(d):
    (d.path / "clips/left/left-1/landmarks.npz").unlink()


def other_times(d):
    path = d.path / "clips/left/left-1/clip.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "timestamps": [t * 2 for t in document["timestamps"]]}))


def backward_times(d):
    path = d.path / "clips/left/left-1/clip.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "timestamps": document["timestamps"][::-1]}))


def wrong_shape(d):
    np.savez(
        d.path / "clips/left/left-1/landmarks.npz",
        landmarks=np.zeros((20, 2, 20, 3)),
        timestamps=np.arange(20),
        handedness=np.zeros((20, 2)),
        presence=np.zeros((20, 2)),
        landmarker="x",
    )


@pytest.mark.parametrize(
    "harm", [damage_json, damage_landmarks, drop_all_files, other_times, backward_times, wrong_shape]
)
def test_damaged_clips_are_named_and_mended_or_moved_to_the_trash(dataset, harm):
    harm(dataset)
    report = check_dataset(dataset.path)
    assert found(report) == {("damaged", "left-1")}
    assert not report.fine
    assert found(check_dataset(dataset.path, fix=True), fixed=True) == {("damaged", "left-1")}
    again = check_dataset(dataset.path)
    assert again.fine
    if "left-1" not in dataset:
        assert dataset.undo().clip == "left-1"
        assert found(check_dataset(dataset.path)) == {("damaged", "left-1")}


def with_pictures(dataset, id="photo"):
    return dataset.add(clip(id, "left", frames=6), pictures(6, (640, 480), fps=20))


def test_a_description_is_made_anew_from_the_landmarks(dataset):
    entry = with_pictures(dataset)
    for folder in (entry.path, dataset.find("left-1").path):
        (folder / "clip.json").unlink()
    fixed = found(check_dataset(dataset.path, fix=True), fixed=True)
    assert fixed == {("damaged", "photo"), ("damaged", "left-1")}
    mended = dataset.find("photo")
    assert mended.frame_size == (640, 480)
    np.testing.assert_array_equal(mended.timestamps, entry.timestamps)
    assert len(list(dataset.frames(mended))) == 6
    assert dataset.load(dataset.find("left-1")).frame_size == (640, 480)


def test_what_is_whole_of_a_clip_stays(dataset):
    a, b, c = (with_pictures(dataset, id) for id in ("a", "b", "c"))
    (a.path / "landmarks.npz").write_bytes(b"")
    (b.path / "frames/0003.jpg").unlink()
    (c.path / "frames/0003.jpg").write_bytes(b"")
    (c.path / "landmarks.npz").write_bytes(b"")
    check_dataset(dataset.path, fix=True)
    assert (dataset.find("a").has_frames, dataset.find("a").has_landmarks) == (True, False)
    assert (dataset.find("b").has_frames, dataset.find("b").has_landmarks) == (False, True)
    assert "c" not in dataset
    for _ in range(3):
        dataset.undo()
    left = {f for f in files_of(dataset.path / "trash") if not f.endswith(".jsonl")}
    assert left == {"left", "left/a", "left/b"}
    assert len(list((dataset.path / "clips/left/b/frames").iterdir())) == 5


def test_temporaries_of_a_crash_are_named_and_removed_and_those_in_use_left_alone(dataset):
    crashed = dataset.path / f"clips/left/.partial-{NOBODY}-0a1b2c3d"
    shutil.copytree(dataset.find("left-1").path, crashed)
    (dataset.path / f".partial-{NOBODY}-dataset").write_text("x")
    working = dataset.path / f"clips/left/.partial-{os.getpid()}-0a1b2c3d"
    working.mkdir()
    assert len(dataset.entries()) == 18, "no clip before the rename"
    report = check_dataset(dataset.path)
    assert [f.kind for f in report.findings] == ["partial", "partial"]
    assert check_dataset(dataset.path, fix=True).fine
    assert not crashed.exists()
    assert working.exists()
    assert check_dataset(dataset.path).findings == ()


def test_exact_copies_are_named_and_only_those_of_the_same_gesture_removed(dataset):
    first = with_pictures(dataset)
    shutil.copytree(first.path, first.path.with_name("copy"))
    shutil.copytree(dataset.find("left-2").path, dataset.path / "clips/up/stray")
    report = check_dataset(dataset.path)
    kinds = found(report)
    assert ("duplicate", "copy") in kinds or ("duplicate", "photo") in kinds
    assert ("duplicate", "stray") in kinds
    fixed = check_dataset(dataset.path, fix=True)
    assert len([f for f in fixed.findings if f.kind == "duplicate" and f.fixed]) == 1
    assert ("duplicate", "stray") in found(fixed), "which of two labels is right, only a person knows"
    assert len(dataset.entries()) == 20


def test_clips_that_hold_too_little_are_named(dataset):
    dataset.add(clip("blink", "left", frames=3, fps=30))
    dataset.add(clip("empty", "left", missing=0.6))
    dataset.add(clip("nothing", "left", missing=1.0))
    dataset.add(clip("idle", "background", missing=1.0))
    dataset.add(clip("idle too", "background", missing=1.0))
    kinds = {(k, c) for k, c in found(check_dataset(dataset.path)) if k not in HINTS}
    assert kinds == {("too short", "blink"), ("no hand", "empty"), ("no hand", "nothing")}


def test_a_clip_with_the_wrong_label_is_doubted_and_no_other(dataset):
    dataset.relabel("left-3", "up")
    dataset.add(clip("other-hand", "right", (1.0, 0.0), slot=0, seed=77))
    report = check_dataset(dataset.path)
    assert found(report) == {("mislabelled", "left-3")}
    assert "looks like 'left'" in report.findings[0].message
    assert report.of_clip("left-3") == list(report.findings)


def test_doubts_need_enough_clips_of_enough_gestures():
    one = [clip(f"c{n}", "left", seed=n) for n in range(9)]
    assert doubtful_labels(one) == []
    assert doubtful_labels([*one, clip("x", "right")]) == []
    assert doubtful_labels([]) == []
    assert doubtful_labels([clip(f"c{n}", "left", missing=1.0) for n in range(9)]) == []


@pytest.mark.parametrize(
    ("make", "kinds"),
    [
        (Dataset.create, {"no clips"}),
        (lambda p: Dataset.create(p, gestures=["wave"]), {"no clips"}),
        (lambda p: make_dataset(p, gestures=("left",)), {"one gesture"}),
        (lambda p: make_dataset(p, takes=2), {"few clips"}),
        (
            lambda p: Dataset.create(p).add_frames("wave", pictures(9)),
            {"no landmarks", "one gesture", "few clips"},
        ),
    ],
)
def test_thin_datasets_are_named(tmp_path, make, kinds):
    make(tmp_path / "ds")
    report = check_dataset(tmp_path / "ds")
    assert {f.kind for f in report.findings} == kinds
    assert report.fine is (kinds <= set(HINTS))
    assert kinds <= {*PROBLEMS, *HINTS}


@pytest.mark.parametrize("document", [None, "{", '{"gestures": ["left"], "flip_map": {"left": "right"}}'])
def test_an_older_or_lost_description_is_migrated_by_fix_alone(dataset, document):
    file = dataset.path / "dataset.json"
    file.unlink() if document is None else file.write_text(document)
    report = check_dataset(dataset.path)
    assert [f.kind for f in report.findings] == ["format"]
    assert "check --fix" in report.findings[0].message
    with pytest.raises(DatasetError):
        Dataset.open(dataset.path)
    assert check_dataset(dataset.path, fix=True).fine
    opened = Dataset.open(dataset.path)
    assert set(opened.gestures) == {"left", "right", "up"}
    assert len(opened.entries()) == 18
    if document and "flip_map" in document:
        assert opened.flip_map == {"left": "right", "right": "left"}
    if document:
        assert (dataset.path / "trash/dataset.json").read_text() == document


def test_migrations_follow_each_other(dataset, monkeypatch):
    file = dataset.path / "dataset.json"
    file.write_text(json.dumps({"labels": ["left"]}))
    steps = {
        0: lambda d: {"format_version": 1, "names": d["labels"]},
        1: lambda d: {"format_version": 2, "gestures": [*d["names"], "extra"]},
    }
    monkeypatch.setattr(repair_module, "MIGRATIONS", steps)
    monkeypatch.setattr(repair_module, "FORMAT_VERSION", 2)
    monkeypatch.setattr("handflow.data.dataset.FORMAT_VERSION", 2)
    assert set(check_dataset(dataset.path, fix=True).findings[0].message.split()) >= {"older"}
    assert "extra" in Dataset.open(dataset.path).gestures


def test_a_newer_dataset_is_never_touched(dataset):
    file = dataset.path / "dataset.json"
    file.write_text('{"format_version": 99}')
    before = files_of(dataset.path)
    for fix in (False, True):
        with pytest.raises(DatasetError, match="update handflow"):
            check_dataset(dataset.path, fix=fix)
    assert files_of(dataset.path) == before
    with pytest.raises(DatasetError, match="no such folder"):
        check_dataset(dataset.path / "absent", fix=True)
