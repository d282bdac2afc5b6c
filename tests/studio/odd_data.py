"""Pictures and zips that no browser and no studio makes."""

import io
import struct
import zipfile

import cv2

from data_samples import picture
from handflow.data.pictures import encode_jpeg

LINES = 'bindings = [{ gesture = "wave", do = [{ command = ["true"] }] }]'
"""A bindings file that runs a program."""


def bomb() -> bytes:
    """A small file that says it holds a picture of 30000x30000."""
    small = bytearray(encode_jpeg(picture()))
    place = small.index(b"\xff\xc0")
    small[place + 5 : place + 9] = struct.pack(">HH", 30000, 30000)
    return bytes(small)


def scans() -> bytes:
    """A small JPEG of very many scans, each of which goes through all of it."""
    fine = cv2.imencode(".jpg", picture(), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    last = fine[fine.rindex(b"\xff\xda") : -2]
    return bytes(fine[:-2] + last * 1000 + fine[-2:])


def encoded(kind: str) -> bytes:
    """A picture of another kind, which the decoder knows as well."""
    return bytes(cv2.imencode(kind, picture())[1].tobytes())


def zipped(**files: bytes | str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


DATASET = {"dataset.json": '{"format_version": 1}'}
