"""Where the two hand models come from: a path the user names, the cache, a hash-verified download.

The models are MediaPipe's palm detector and hand landmark model (Apache-2.0). They are neither committed
nor packaged. The wheel `mediapipe==0.10.21` holds them for every platform; Google's `hand_landmarker.task`
holds the same networks under other names. `pip download` fetches the wheel from the package index that the
user's pip is set up for, so proxies and mirrors work as they do for every other package.
"""

import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from handflow.atomic import write_bytes
from handflow.errors import ModelFileError
from handflow.places import cache_dir

log = logging.getLogger(__name__)

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
TASK_SHA256 = "fbc2a30080c3c557093b5ddfc334698132eb341044ccee322ccf8bcf3607cde1"
"""Google's `hand_landmarker.task`, whose members differ from the wheel's in bytes but not in results."""


@dataclass(frozen=True, slots=True)
class HandModels:
    """The two networks' contents, verified."""

    palm: bytes
    landmark: bytes
    source: Path  # the folder or file they came from


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _check(content: bytes, model: ModelFile, where: Path) -> bytes:
    if _digest(content) != model.sha256:
        raise ModelFileError(
            f"{where}: {model.name} is damaged or another version (sha256 {_digest(content)[:12]}…, "
            f"expected {model.sha256[:12]}…): delete it and run 'handflow doctor --download'"
        )
    return content


def _from_folder(folder: Path) -> HandModels:
    contents = {}
    for model in (PALM, LANDMARK):
        path = folder / model.name
        if not path.is_file():
            raise ModelFileError(f"{folder} does not hold {model.name}: see 'handflow doctor'")
        contents[model.name] = _check(path.read_bytes(), model, folder)
    return HandModels(contents[PALM.name], contents[LANDMARK.name], folder)


def _from_archive(path: Path) -> HandModels:
    """Reads a wheel or a `.task` bundle; the latter is trusted by the hash of the whole file."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            trusted = _digest(path.read_bytes()) == TASK_SHA256
            contents = []
            for model in (PALM, LANDMARK):
                member = next((m for m in model.members if m in names), None)
                if member is None:
                    raise ModelFileError(f"{path} does not hold {model.name}: name {WHEEL}'s wheel instead")
                content = archive.read(member)
                contents.append(content if trusted else _check(content, model, path))
    except zipfile.BadZipFile as error:
        raise ModelFileError(f"{path} is neither a wheel nor a .task bundle: {error}") from error
    return HandModels(contents[0], contents[1], path)


def _download(folder: Path, *, quiet: bool) -> None:
    """Fetches the wheel with pip and puts the two models into `folder`."""
    log.info("fetching the hand models into %s", folder)
    with tempfile.TemporaryDirectory(prefix="handflow-") as scratch:
        command = [sys.executable, "-m", "pip", *_PIP_DOWNLOAD, "--dest", scratch, WHEEL]
        if quiet:
            command.append("--quiet")
        else:
            print("handflow: fetching the two hand models once (36 MB) …", file=sys.stderr)
        # pip draws its progress bar on stdout, which belongs to results
        done = subprocess.run(command, stdout=sys.stderr.fileno() if not quiet else None, check=False)
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            raise ModelFileError(
                f"the hand models could not be fetched. Offline? On a machine with internet run "
                f"'pip {' '.join(_PIP_DOWNLOAD[:9])} {WHEEL}', copy the file here and set "
                f"{PATH_VARIABLE} to its path (Google's hand_landmarker.task serves as well)"
            )
        models = _from_archive(wheels[0])
    folder.mkdir(parents=True, exist_ok=True)
    for model, content in ((PALM, models.palm), (LANDMARK, models.landmark)):
        write_bytes(folder / model.name, content)


def find_hand_models(
    path: Path | str | None = None, *, download: bool = True, quiet: bool = False
) -> HandModels:
    """Finds and verifies the hand models.

    Looks at `path`, else at the environment variable `HANDFLOW_HAND_MODELS`, else in the cache folder, and
    fetches them there once.

    Args:
        path: a folder with the two `.tflite` files, MediaPipe's wheel or `hand_landmarker.task`.
        download: fetch them when the cache does not hold them.
        quiet: without a progress bar.

    Raises:
        ModelFileError: they are missing, damaged or cannot be fetched; the message says what to do.
    """
    named = path or os.environ.get(PATH_VARIABLE)
    if named:
        place = Path(named)
        if not place.exists():
            raise ModelFileError(f"no hand models at {place}: no such file or folder")
        return _from_folder(place) if place.is_dir() else _from_archive(place)
    folder = cache_dir() / "hand-models"
    if not all((folder / m.name).is_file() for m in (PALM, LANDMARK)):
        if not download:
            raise ModelFileError("the hand models are not here yet: run 'handflow doctor --download'")
        _download(folder, quiet=quiet)
    return _from_folder(folder)
