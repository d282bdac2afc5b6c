"""Reading `.npz` files from anywhere without trusting them: no pickles, no bombs, no lying headers."""

import io
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from handflow.atomic import write_bytes
from handflow.errors import DatasetError, HandflowError

ARCHIVE_LIMIT = 2 << 30
"""Bytes that the arrays of a landmark archive may take in memory: about 2 million frames of two hands."""

CLIP_LIMIT = 64 << 20
"""Bytes that the landmarks of one clip may take in memory."""


# What `zipfile` and numpy raise for damaged content; offsets beyond the file end as OSError.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    tokenize.TokenError,  # numpy reads headers of old files as Python text
)


def read_npz(
    path: Path, *, limit: int = ARCHIVE_LIMIT, error: type[HandflowError] = DatasetError
) -> dict[str, NDArray[Any]]:
    """Reads all arrays of an `.npz` file.

    Sizes are checked against the headers before anything is unpacked.

    Args:
        path: the file.
        limit: bytes that all arrays together may take.
        error: what to raise.

    Raises:
        DatasetError: (or `error`) the file is missing, damaged, too large, or holds Python objects.
    """
    if not path.is_file():
        raise error(f"{path}: no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            total = sum(m.file_size for m in members)
            if total > limit:
                raise error(
                    f"{path}: unpacks to {total / 2**20:.0f} MB, more than the "
                    f"{limit / 2**20:.0f} MB allowed: split it into smaller files"
                )
            return {m.filename.removesuffix(".npy"): _read_member(archive, m, path, error) for m in members}
    except (*_DAMAGE, OSError) as damage:
        raise error(f"{path}: damaged or not an .npz file ({damage})") from damage


def _read_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, error: type[HandflowError]
) -> NDArray[Any]:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{member.filename} is packed in a way that no .npz file is")
    with archive.open(member) as stream:
        version = npy.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"{member.filename} has the unknown array format {version}")
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read_header(stream)
        if dtype.hasobject:
            raise error(
                f"{path}: '{member.filename}' holds pickled Python objects, which are never read: "
                "save plain numbers and text"
            )
        count = 1
        for n in shape:  # Python integers: a lying shape cannot overflow
            count *= n
        size = count * dtype.itemsize
        if max(size, count) > member.file_size:  # numpy gives even empty text four bytes
            raise ValueError(f"{member.filename} says it holds {count} numbers in {member.file_size} bytes")
        data = stream.read()  # to the end, so that the check sum is verified
        if len(data) != size:
            raise ValueError(f"{member.filename} holds {len(data)} bytes and says {size}")
        if not size:
            return np.zeros(shape, dtype)
        return np.frombuffer(data, dtype, count).reshape(shape, order="F" if fortran else "C").copy()


def write_npz(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Writes arrays to a compressed `.npz` file, whole or not at all.

    Raises:
        OSError: the disk is full; an older file stays.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # numpy types the flag beside the arrays
    write_bytes(path, buffer.getvalue())
