"""Gestures as wholes: renamed and thrown away with all their takes, and what undo makes of it."""

from pathlib import Path

import pytest

from data_samples import clip, make_dataset
from handflow.data import Dataset
from handflow.data.gestures import delete_gesture, rename_gesture
from handflow.errors import DatasetError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    dataset = Dataset.create(
        tmp_path / "set", gestures=["left", "right", "empty"], flip_map={"left": "right"}
    )
    for number in range(3):
        dataset.add(clip(f"left-{number}", "left", seed=number))
    return dataset.path


def takes(path: Path) -> dict[str, list[str]]:
    dataset = Dataset.open(path)
    return {g: [e.id for e in dataset.entries() if e.label == g] for g in dataset.gestures}


def test_a_renamed_gesture_keeps_its_takes_its_place_and_its_mirror(path: Path) -> None:
    rename_gesture(Dataset.open(path), "left", "west")
    assert takes(path) == {"west": ["left-0", "left-1", "left-2"], "right": [], "empty": []}
    assert Dataset.open(path).flip_map == {"west": "right", "right": "west"}


def test_what_is_in_the_trash_comes_back_under_the_new_name(path: Path) -> None:
    dataset = Dataset.open(path)
    dataset.delete("left-1")
    dataset.relabel("left-0", "right")
    rename_gesture(dataset, "left", "west")
    rename_gesture(Dataset.open(path), "right", "east")
    for _ in range(2):
        Dataset.open(path).undo()
    assert takes(path)["west"] == ["left-0", "left-1", "left-2"]
    assert not (path / "clips" / "left").exists()


def test_names_that_begin_alike_are_not_taken_for_each_other(path: Path) -> None:
    dataset = Dataset.open(path)
    dataset.add(clip("other", "left hand"))
    dataset.delete("other")
    rename_gesture(Dataset.open(path), "left", "west")
    Dataset.open(path).undo()
    assert takes(path)["left hand"] == ["other"]


def test_a_deleted_gesture_is_brought_back_by_one_undo(path: Path) -> None:
    Dataset.open(path).delete("left-1")
    assert delete_gesture(Dataset.open(path), "left")
    assert takes(path) == {"right": [], "empty": []} and Dataset.open(path).flip_map == {}
    assert Dataset.open(path).undo().clip == "left"
    assert takes(path)["left"] == ["left-0", "left-2"]
    Dataset.open(path).undo()
    assert takes(path)["left"] == ["left-0", "left-1", "left-2"]


def test_a_gesture_without_takes_is_forgotten(path: Path) -> None:
    assert not delete_gesture(Dataset.open(path), "empty")
    assert [*takes(path)] == ["left", "right"]


def test_gestures_that_are_not_there_or_in_the_way_are_named(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set", takes=1)
    with pytest.raises(DatasetError, match="no gesture 'none'"):
        rename_gesture(dataset, "none", "x")
    with pytest.raises(DatasetError, match="no gesture 'none'"):
        delete_gesture(dataset, "none")
    with pytest.raises(DatasetError, match="'right' already"):
        rename_gesture(dataset, "left", "right")
    with pytest.raises(DatasetError, match="cannot name a gesture"):
        rename_gesture(dataset, "left", "a/b")
    assert takes(dataset.path) == {"left": ["left-0"], "right": ["right-0"]}
