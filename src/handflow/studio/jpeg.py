"""JPEGs from elsewhere (ITU-T T.81): looked at before they are decoded or stored."""

import re
from collections.abc import Iterator

_BEGIN, _END, _SCAN = b"\xff\xd8", b"\xff\xd9", b"\xff\xda"
_MOST_SCANS = 100  # a small file of very many takes half a minute to decode
_ALONE = {0x01, *range(0xD0, 0xD9)}  # markers that stand alone
_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers after which the size follows
_NOTES = {*range(0xE1, 0xEE), 0xEF, 0xFE}  # markers of EXIF, profiles, comments: all but JFIF and Adobe
_ANY_NOTE = re.compile(rb"\xff[\xe0-\xef\xfe]")


def safe_size(jpeg: bytes, largest: tuple[int, int]) -> tuple[int, int] | None:
    """(width, height) of a JPEG that is decoded in a moment: a small file may claim to hold a gigapixel.

    Args:
        jpeg: what may be one.
        largest: (width, height) in pixels, at most; one turned upright may be as tall.

    Returns:
        None where it is none, larger, or made of very many scans.
    """
    size = jpeg_size(jpeg)
    if size is None or min(size) < 1 or jpeg.count(_SCAN) > _MOST_SCANS:
        return None
    return size if max(size) <= max(largest) and min(size) <= min(largest) else None


def jpeg_size(jpeg: bytes) -> tuple[int, int] | None:
    """(width, height) that a JPEG states (B.2.2); None where it is no JPEG."""
    for marker, place in _segments(jpeg):
        if marker in _SIZES and place + 9 <= len(jpeg):
            height, width = (int.from_bytes(jpeg[at : at + 2], "big") for at in (place + 5, place + 7))
            return width, height
    return None


def bare(jpeg: bytes) -> bytes:
    """A JPEG without what is not the picture: notes such as EXIF, padding, what follows its end.

    What reads it turns no picture and learns of no place, and all that read it see the same.

    Returns:
        Nothing where it is no JPEG, is cut off, or has notes amid the picture's own data.
    """
    segments = list(_segments(jpeg))
    if not segments or segments[-1][0] != _SCAN[1]:
        return b""
    *head, (_, scan) = segments
    end = jpeg.find(_END, scan)
    if end < 0 or _ANY_NOTE.search(jpeg, scan, end):
        return b""
    kept = [jpeg[at : at + _length(jpeg, at)] for marker, at in head if marker not in _NOTES]
    return b"".join((_BEGIN, *kept, jpeg[scan:end], _END))


def _segments(jpeg: bytes) -> Iterator[tuple[int, int]]:
    """Marker and place of each segment (B.1.1.4) up to the first scan, which is the last one given."""
    place = len(_BEGIN) if jpeg.startswith(_BEGIN) else len(jpeg)
    while place + 4 <= len(jpeg) and jpeg[place] == 0xFF:
        marker = jpeg[place + 1]
        if marker == 0xFF:  # padding
            place += 1
        elif marker in _ALONE:
            place += 2
        else:
            yield marker, place
            if marker == _SCAN[1]:
                return
            place += _length(jpeg, place)


def _length(jpeg: bytes, place: int) -> int:
    """Bytes of a segment, its marker among them."""
    return 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
