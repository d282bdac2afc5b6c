"""Where the hand models come from: a path the user names, the cache, a hash-verified download.

The models are MediaPipe's palm detector and its hand landmark model, full or lite (Apache-2.0). They are
neither committed nor packaged. The wheel `mediapipe==0.10.21` holds them for every platform; Google's
`hand_landmarker.task` holds the detector and the full landmark model under other names. `pip download`
fetches the wheel from the package index that the user's pip is set up for, so proxies and mirrors work as
they do for every other package.
"""

import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from handflow.atomic import write_bytes
from handflow.errors import ModelFileError
from handflow.places import cache_dir

log = logging.getLogger(__name__)

HandModel = Literal["full", "lite"]
HAND_MODELS: tuple[HandModel, ...] = ("full", "lite")
"""Landmark models to choose from."""
PATH_VARIABLE = "HANDFLOW_HAND_MODELS"
WHEEL = "mediapipe==0.10.21"
_PIP_DOWNLOAD = (
    "download", "--no-deps", "--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp",
    "--platform", "manylinux_2_28_x86_64", "--disable-pip-version-check", "--retries", "2", "--timeout", "20",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One network: its name in our cache, where archives hold it, and its content's hash."""

    name: str
    members: tuple[str, ...]
    sha256: str


PALM = ModelFile(
    "palm_detection_full.tflite",
    ("mediapipe/modules/palm_detection/palm_detection_full.tflite", "hand_detector.tflite"),
    "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
)
LANDMARK = ModelFile(
    "hand_landmark_full.tflite",
    ("mediapipe/modules/hand_landmark/hand_landmark_full.tflite", "hand_landmarks_detector.tflite"),
    "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
)
LITE = ModelFile(
    "hand_landmark_lite.tflite",
    ("mediapipe/modules/hand_landmark/hand_landmark_lite.tflite",),
    "048edd3645c9bf7397d19a9f6e3a42957d6e414c9bea6598030a2e9b624156e6",
)
LANDMARKS: dict[HandModel, ModelFile] = {"full": LANDMARK, "lite": LITE}
ALL_FILES = (PALM, *LANDMARKS.values())
TASK_SHA256 = "fbc2a30080c3c557093b5ddfc334698132eb341044ccee322ccf8bcf3607cde1"
"""Google's `hand_landmarker.task`, whose members differ from the wheel's in bytes but not in results."""


@dataclass(frozen=True, slots=True)
class HandModels:
    """The contents of the palm detector and of one landmark model, verified."""

    palm: bytes
    landmark: bytes
    source: Path  # the folder or file they came from
    model: HandModel = "full"  # which landmark model it is


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _check(content: bytes, model: ModelFile, where: Path) -> bytes:
    if _digest(content) != model.sha256:
        raise ModelFileError(
            f"{where}: {model.name} is damaged or another version (sha256 {_digest(content)[:12]}…, "
            f"expected {model.sha256[:12]}…): delete it and run 'handflow doctor --download'"
        )
    return content


def _read_folder(folder: Path, files: Iterable[ModelFile]) -> list[bytes]:
    contents = []
    for file in files:
        path = folder / file.name
        if not path.is_file():
            remedy = " or use --hand-model full" if file is LITE else ""
            raise ModelFileError(f"{folder} does not hold {file.name}: see 'handflow doctor'{remedy}")
        contents.append(_check(path.read_bytes(), file, folder))
    return contents


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise ModelFileError(f"{path} is neither a wheel nor a .task bundle: {error}") from error


def _member(archive: zipfile.ZipFile, file: ModelFile) -> str | None:
    names = set(archive.namelist())
    return next((m for m in file.members if m in names), None)


def _read_archive(path: Path, files: Iterable[ModelFile]) -> list[bytes]:
    """Reads a wheel or a `.task` bundle; the latter is trusted by the hash of the whole file."""
    trusted = _digest(path.read_bytes()) == TASK_SHA256
    contents = []
    with _opened(path) as archive:
        for file in files:
            member = _member(archive, file)
            if member is None:
                remedy = " or use --hand-model full" if file is LITE else ""
                raise ModelFileError(
                    f"{path} does not hold {file.name}: name {WHEEL}'s wheel instead{remedy}"
                )
            content = archive.read(member)
            contents.append(content if trusted else _check(content, file, path))
    return contents


def _read(place: Path, model: HandModel) -> HandModels:
    files = (PALM, LANDMARKS[model])
    palm, landmark = _read_folder(place, files) if place.is_dir() else _read_archive(place, files)
    return HandModels(palm, landmark, place, model)


def _cache() -> Path:
    return cache_dir() / "hand-models"


def _missing(folder: Path, files: Iterable[ModelFile]) -> list[ModelFile]:
    return [file for file in files if not (folder / file.name).is_file()]


def _download(folder: Path, *, quiet: bool) -> None:
    """Fetches the wheel with pip and puts all models that are missing into `folder`."""
    log.info("fetching the hand models into %s", folder)
    missing = _missing(folder, ALL_FILES)
    with tempfile.TemporaryDirectory(prefix="handflow-") as scratch:
        command = [sys.executable, "-m", "pip", *_PIP_DOWNLOAD, "--dest", scratch, WHEEL]
        if quiet:
            command.append("--quiet")
        else:
            print("handflow: fetching the hand models once (36 MB) …", file=sys.stderr)
        # pip draws its progress bar on stdout, which belongs to results
        done = subprocess.run(command, stdout=sys.stderr.fileno() if not quiet else None, check=False)
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            also = "Google's hand_landmarker.task serves as well"
            if missing == [LITE]:
                also = "--hand-model full needs no download"
            raise ModelFileError(
                f"the hand models could not be fetched ({', '.join(f.name for f in missing)} missing). "
                f"Offline? On a machine with internet run 'pip {' '.join(_PIP_DOWNLOAD[:9])} {WHEEL}', "
                f"copy the file here and set {PATH_VARIABLE} to its path ({also})"
            )
        contents = _read_archive(wheels[0], missing)
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in zip(missing, contents, strict=True):
        write_bytes(folder / file.name, content)


def _named() -> str | None:
    return os.environ.get(PATH_VARIABLE)


def has_hand_model(model: HandModel) -> bool:
    """Whether the palm detector and a landmark model are at hand, verified or not, without a download."""
    named = _named()
    place = Path(named) if named else _cache()
    files = (PALM, LANDMARKS[model])
    if not place.is_file():
        return not _missing(place, files)
    with _opened(place) as archive:
        return all(_member(archive, file) for file in files)


def fetch_hand_models(*, quiet: bool = False) -> None:
    """Fetches all hand models, the lite one too, where the cache lacks some; nothing where a path is named.

    Raises:
        ModelFileError: they cannot be fetched; the message says what to do.
    """
    if not _named() and _missing(_cache(), ALL_FILES):
        _download(_cache(), quiet=quiet)


def find_hand_models(
    path: Path | str | None = None,
    *,
    model: HandModel = "full",
    download: bool = True,
    quiet: bool = False,
) -> HandModels:
    """Finds and verifies the palm detector and a landmark model.

    Looks at `path`, else at the environment variable `HANDFLOW_HAND_MODELS`, else in the cache folder, and
    fetches all models there once.

    Args:
        path: a folder with the `.tflite` files, MediaPipe's wheel or `hand_landmarker.task`.
        model: the landmark model, "full" or "lite".
        download: fetch them when the cache does not hold them.
        quiet: without a progress bar.

    Raises:
        ModelFileError: they are missing, damaged or cannot be fetched; the message says what to do.
    """
    named = path or _named()
    if named:
        place = Path(named)
        if not place.exists():
            raise ModelFileError(f"no hand models at {place}: no such file or folder")
        return _read(place, model)
    folder = _cache()
    missing = _missing(folder, (PALM, LANDMARKS[model]))
    if missing and not download:
        what = "the lite hand model is" if missing == [LITE] else "the hand models are"
        raise ModelFileError(f"{what} not here yet: run 'handflow doctor --download'")
    if missing:
        _download(folder, quiet=quiet)
    return _read(folder, model)
