"""Datasets: on disk, as archives, imported, extracted, checked, reviewed and split."""

from handflow.data.archive import Archive, read_archive, write_archive
from handflow.data.dataset import Dataset
from handflow.data.layout import ClipEntry
from handflow.data.loading import load_clips, load_streams, load_takes

__all__ = [
    "Archive",
    "ClipEntry",
    "Dataset",
    "load_clips",
    "load_streams",
    "load_takes",
    "read_archive",
    "write_archive",
]
