"""Takes are saved in the background, whole or not at all."""

import errno
import threading
from pathlib import Path

import numpy as np
import pytest

from handflow.data import Dataset
from handflow.data.dataset import ClipEntry
from handflow.data.take import Take
from handflow.data.take_writer import TakeLabels, TakeWriter
from handflow.errors import DatasetError
from handflow.types import Clip, Frame, HandSequence

LABELS = TakeLabels("wave", "2026-01-02_03-04-05", "camera 0", "anna", "evening", "test-1")


def take(number: int, *, pictures: bool = True, frames: int = 5) -> Take:
    """A take whose wrist stands at x = number."""
    landmarks = np.full((frames, 2, 21, 3), np.nan, np.float32)
    landmarks[:, 1] = number
    times = number * 10 + np.arange(frames) / 30
    return Take(
        HandSequence(
            landmarks,
            times,
            np.tile(np.array([np.nan, 1.0], np.float32), (frames, 1)),
            np.tile(np.array([0.0, 1.0], np.float32), (frames, 1)),
        ),
        (32, 24),
        tuple(Frame(np.full((24, 32, 3), 10 * number, np.uint8), float(t), i) for i, t in enumerate(times))
        if pictures
        else (),
    )


class FullDisk:
    """A dataset whose disk is full from a take on."""

    def __init__(self, dataset: Dataset, good: int, error: OSError) -> None:
        self.dataset, self.good, self.error = dataset, good, error

    def add(self, clip: Clip, frames: list[Frame] | None = None, *, landmarker: str = "") -> ClipEntry:
        if self.good == 0:
            raise self.error
        self.good -= 1
        return self.dataset.add(clip, frames, landmarker=landmarker)

    def delete(self, id: str) -> None:
        self.dataset.delete(id)


def files(path: Path) -> list[str]:
    return sorted(p.name for p in path.rglob("*") if "partial" in p.name or p.name == "clip.json")


def test_takes_arrive_in_order_with_all_that_is_known_of_them(tmp_path: Path) -> None:
    dataset = Dataset.create(tmp_path / "set")
    with TakeWriter(dataset, LABELS) as writer:
        for n in range(1, 4):
            writer.add(take(n, pictures=n != 2))
    entries = dataset.entries()
    assert [e.id for e in entries] == [f"2026-01-02_03-04-05_{n:03d}" for n in (1, 2, 3)]
    assert [e.has_frames for e in entries] == [True, False, True]
    clip = dataset.load(entries[2])
    assert (clip.label, clip.subject, clip.session, clip.source) == ("wave", "anna", "evening", "camera 0")
    assert np.nanmax(clip.sequence.landmarks) == 3
    assert [round(f.timestamp, 3) for f in dataset.frames(entries[2])] == [30.0, 30.033, 30.067, 30.1, 30.133]
    assert dataset.landmarks(entries[0]).landmarker == "test-1"


def test_a_take_may_come_from_a_source_of_its_own(tmp_path: Path) -> None:
    dataset = Dataset.create(tmp_path / "set")
    with TakeWriter(dataset, LABELS) as writer:
        writer.add(take(1), "camera 1")
        writer.add(take(2))
    assert [entry.source for entry in dataset.entries()] == ["camera 1", "camera 0"]


def test_undo_deletes_the_last_take_even_if_it_is_not_written_yet(tmp_path: Path) -> None:
    dataset = Dataset.create(tmp_path / "set")
    with TakeWriter(dataset, LABELS) as writer:
        writer.undo()  # nothing to undo
        writer.add(take(1))
        writer.add(take(2))
        writer.undo()
        writer.add(take(3))
    assert [e.id[-3:] for e in dataset.entries()] == ["001", "003"]
    assert [e.id for e in writer.saved] == [e.id for e in dataset.entries()]
    assert writer.undone == 1


def test_adding_does_not_wait_for_a_slow_disk(tmp_path: Path) -> None:
    dataset, disk = Dataset.create(tmp_path / "set"), threading.Event()

    class SlowDisk(FullDisk):
        def add(self, clip: Clip, frames: list[Frame] | None = None, *, landmarker: str = "") -> ClipEntry:
            assert disk.wait(20)
            return super().add(clip, frames, landmarker=landmarker)

    writer = TakeWriter(SlowDisk(dataset, 9, OSError()), LABELS)
    for n in range(1, 4):
        writer.add(take(n))
    assert not writer.saved  # all three were taken over while the disk did nothing
    disk.set()
    writer.close()
    writer.close()
    assert len(writer.saved) == len(dataset.entries()) == 3


@pytest.mark.parametrize(
    ("error", "good", "says"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            2,
            "take 3 could not be saved, the disk is full: 2 ",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "1 complete take is kept; free some space"),
        (
            PermissionError(errno.EACCES, "Permission denied"),
            0,
            "Permission denied: 0 complete takes are kept",
        ),
    ],
)
def test_a_failing_disk_is_one_clear_line_and_keeps_what_is_whole(
    tmp_path: Path, error: OSError, good: int, says: str
) -> None:
    dataset = Dataset.create(tmp_path / "set")
    with TakeWriter(FullDisk(dataset, good, error), LABELS) as writer:
        for n in range(1, 6):
            writer.add(take(n))
    with pytest.raises(DatasetError, match=says) as caught:
        writer.check()
    assert "\n" not in str(caught.value)
    assert writer.lost == 5 - good
    assert files(tmp_path / "set") == ["clip.json"] * good


def test_a_disk_that_fills_up_in_the_middle_of_a_take_leaves_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, written = Dataset.create(tmp_path / "set"), []
    whole = Path.write_bytes

    def write(path: Path, data: bytes) -> int:
        written.append(path)
        if len(written) == 8:  # the third picture of the second take
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(path, data)

    monkeypatch.setattr(Path, "write_bytes", write)
    with TakeWriter(dataset, LABELS) as writer:
        writer.add(take(1))
        writer.add(take(2))
    assert len(written) == 8 and files(tmp_path / "set") == ["clip.json"]
    with pytest.raises(DatasetError, match="the disk is full"):
        writer.check()


def test_a_dataset_that_refuses_a_take_says_so_itself(tmp_path: Path) -> None:
    with TakeWriter(Dataset.create(tmp_path / "set"), TakeLabels("a/b", "x")) as writer:
        writer.add(take(1))
    with pytest.raises(DatasetError, match="cannot name a gesture"):
        writer.check()
