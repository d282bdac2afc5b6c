"""What a person takes away, and brings back: projects, datasets and models as zips."""

import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from handflow.act.bindings_file import read_bindings
from handflow.atomic import staging_folder
from handflow.data import Dataset
from handflow.data.layout import CLIPS, DATASET_JSON, FRAMES
from handflow.data.meta import MAX_JSON_BYTES, read_json
from handflow.data.naming import clip_id, gesture_name
from handflow.data.trash import TRASH
from handflow.errors import DatasetError, HandflowError
from handflow.recognize import read_model_info
from handflow.recognize.model_folder import INFO_FILE
from handflow.recognize.package import pack_model
from handflow.studio.binding_text import runs_programs
from handflow.studio.errors import StudioError
from handflow.studio.jpeg import safe_size
from handflow.studio.workspace import BINDINGS, CURRENT, DATASET, MODELS, PROJECT_JSON, Project, Workspace

WHAT = ("model", "dataset", "bindings", "onnx", "all")
LARGEST = 2_000_000_000  # bytes of all that a zip holds, unpacked
MOST_FILES = 200_000
LARGEST_DIRECTORY = 40_000_000  # bytes of the list of what a zip holds
LARGEST_PICTURE = (8192, 8192)  # pixels
_CHUNK = 1 << 20  # bytes
_MOST_BYTES = {BINDINGS: 64_000, CURRENT: 1000, ".json": MAX_JSON_BYTES, ".jpg": 20_000_000}
_ENTRY = b"PK\1\2"
# What `zipfile` raises for damaged content; RuntimeError: it is encrypted.
_DAMAGE = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, RuntimeError,
           NotImplementedError, ValueError, OverflowError)  # fmt: skip
_MODEL_FILES = re.compile(r"[\w.-]{1,80}\.(?:onnx|json|npz|csv|png|html|safetensors)")
_PICTURE = re.compile(r"\d{1,8}\.jpg")
_LOOSE = (".jpg", ".png", ".npz", ".safetensors")  # what a zip need not pack any closer


def export(project: Project, what: str, to: IO[bytes]) -> str:
    """Writes a part of a project to a file; gives the name that it should have.

    Raises:
        StudioError: there is no such thing to take away.
        ModelFileError: the model is damaged.
    """
    slug = project.slug
    if what not in WHAT:
        raise StudioError("absent", f"nothing is called '{what}': choose one of {', '.join(WHAT)}", 404)
    if what == "bindings":
        if not project.bindings.is_file():
            raise StudioError("no-bindings", "nothing is bound yet: bind a gesture first")
        to.write(project.bindings.read_bytes())
        return f"{slug}-{BINDINGS}"
    if what == "onnx":
        model = project.needed_model()
        with tempfile.TemporaryDirectory(prefix="handflow-") as folder:
            to.write(pack_model(model, Path(folder) / "model.zip").read_bytes())
        return f"{slug}-onnx.zip"
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as out:
        if what == "model":
            _add(out, project.needed_model(), project.needed_model().name)
        elif what == "dataset":
            _add(out, project.folder / DATASET, slug)
        else:
            _add_all(out, project)
    return f"{slug}-{what}.zip" if what != "all" else f"{slug}.zip"


def bring(workspace: Workspace, file: IO[bytes], name: str, *, allow_commands: bool) -> Project:
    """Makes a project of a zip that `export` has written: of all, a dataset or a model.

    Args:
        workspace: gets the project.
        file: the zip.
        name: of the project; empty: as the zip says.
        allow_commands: whether bindings in it may run programs.

    Raises:
        StudioError: it is no such zip, is too large, or holds what it should not.
        HandflowError: what it holds is damaged.
    """
    with staging_folder(workspace.folder) as folder:
        top = _unpack(file, folder)
        try:
            _check(folder, allow_commands=allow_commands)
        except RecursionError as error:
            raise _unfit("what it says is nested without end") from error
        return workspace.adopt(name or _named(folder) or top or "imported", folder)


def _unpack(file: IO[bytes], folder: Path) -> str:
    """Unpacks what belongs to a project; the name of the folder that all of it lay in."""
    try:
        with zipfile.ZipFile(_Frugal(file)) as zipped:
            found = _Contents(zipped)
            found.unpack(folder)
            return found.top
    except _DAMAGE as error:
        raise _unfit(f"it is no zip that can be read ({error})") from error
    except (FileExistsError, NotADirectoryError) as error:  # names that are one to this system
        raise _unfit("two things in it have one name") from error


class _Frugal:
    """A file for `zipfile`, which reads and keeps the whole list of what a zip holds, however long."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Reads up to `size` bytes.

        Raises:
            StudioError: it is such a list, and too long.
        """
        if size > LARGEST_DIRECTORY:
            raise _unfit(f"it holds more than {MOST_FILES} files")
        found = self._file.read(size)
        if found.count(_ENTRY) > MOST_FILES:
            raise _unfit(f"it holds more than {MOST_FILES} files")
        return found


class _Contents:
    """What a zip holds, as far as it belongs to a project; nothing else is unpacked.

    Attributes:
        top: the folder that all of it lies in; empty: none.
    """

    def __init__(self, zipped: zipfile.ZipFile) -> None:
        self._zipped = zipped
        files: dict[PurePosixPath, zipfile.ZipInfo] = {}
        for member in zipped.infolist():
            path = _safe_path(member)
            if not member.is_dir():
                if path in files:
                    raise _unfit(f"it holds {path} twice")
                files[path] = member
        if sum(member.file_size for member in files.values()) > LARGEST:
            raise _unfit(f"unpacked it has more than {LARGEST // 1_000_000} MB")
        kind, base = _kind_of(files)
        self.top = "" if base == PurePosixPath() else base.name
        self._files = {
            target: member
            for path, member in files.items()
            if path.is_relative_to(base)
            and (target := _target(kind, path.relative_to(base), self.top)) is not None
        }

    def unpack(self, folder: Path) -> None:
        """Writes them below a folder."""
        written = 0
        for target, member in self._files.items():
            if member.file_size > _MOST_BYTES.get(target.name, _MOST_BYTES.get(target.suffix, LARGEST)):
                raise _unfit(f"{member.filename} in it is too large")
            path = folder.joinpath(*target.parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._zipped.open(member) as source, path.open("xb") as out:
                while chunk := source.read(_CHUNK):
                    written += len(chunk)
                    if written > LARGEST:
                        raise _unfit(f"unpacked it has more than {LARGEST // 1_000_000} MB")
                    out.write(chunk)
            if path.parent.name == FRAMES and safe_size(path.read_bytes(), LARGEST_PICTURE) is None:
                raise _unfit(f"{member.filename} in it is no picture, or too large a one")


def _safe_path(member: zipfile.ZipInfo) -> PurePosixPath:
    """The path of a member.

    Raises:
        StudioError: it leads elsewhere, or is no plain file or folder.
    """
    name = member.filename
    path = PurePosixPath(name)
    mode = member.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _unfit(f"{name!r} in it is a link")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _unfit(f"{name!r} in it is packed in a way that is not used here")
    if not path.parts or path.is_absolute() or ".." in path.parts or any(c in name for c in "\\:\0"):
        raise _unfit(f"{name!r} in it leads elsewhere")
    return path


def _kind_of(files: dict[PurePosixPath, zipfile.ZipInfo]) -> tuple[str, PurePosixPath]:
    """What a zip is of ("all", "dataset", "model"), and the folder in it where that lies."""
    for kind, mark in (("all", PROJECT_JSON), ("dataset", DATASET_JSON), ("model", INFO_FILE)):
        at = [path.parent for path in files if path.name == mark and len(path.parts) <= 2]
        if at:
            return kind, min(at, key=lambda path: len(path.parts))
    raise _unfit(
        f"it holds no {PROJECT_JSON}, {DATASET_JSON} or {INFO_FILE}: choose a zip that was taken away here"
    )


def _target(kind: str, path: PurePosixPath, top: str) -> PurePosixPath | None:
    """Where a file of the zip belongs in a project; None: nowhere."""
    if kind == "dataset":
        return PurePosixPath(DATASET, path) if _belongs_to_dataset(path.parts) else None
    if kind == "model":
        named = len(path.parts) == 1 and _MODEL_FILES.fullmatch(path.name)
        folder = clip_id(top) if top != CURRENT else ""
        return PurePosixPath(MODELS, folder or "model", path) if named else None
    first, *rest = path.parts
    if path.parts in ((PROJECT_JSON,), (BINDINGS,), (MODELS, CURRENT)):
        return path
    if first == DATASET and _belongs_to_dataset(tuple(rest)):
        return path
    if first != MODELS or len(rest) != 2 or rest[0] != clip_id(rest[0]) or rest[0] == CURRENT:
        return None
    return path if _MODEL_FILES.fullmatch(rest[1]) else None


def _belongs_to_dataset(parts: tuple[str, ...]) -> bool:
    if parts == (DATASET_JSON,):
        return True
    if len(parts) not in (4, 5) or parts[0] != CLIPS or parts[2] != clip_id(parts[2]):
        return False
    try:
        if gesture_name(parts[1]) != parts[1]:
            return False
    except DatasetError:
        return False
    if len(parts) == 4:
        return parts[3] in ("clip.json", "landmarks.npz")
    return parts[3] == FRAMES and _PICTURE.fullmatch(parts[4]) is not None


def _check(folder: Path, *, allow_commands: bool) -> None:
    """Looks at what was unpacked.

    Raises:
        HandflowError: it is damaged, or not allowed.
    """
    if (folder / DATASET).is_dir():
        Dataset.open(folder / DATASET)
    models = sorted((folder / MODELS).iterdir()) if (folder / MODELS).is_dir() else []
    for model in models:
        if model.is_dir():
            read_model_info(model)
    if not (folder / MODELS / CURRENT).is_file() and (only := [m for m in models if m.is_dir()]):
        (folder / MODELS / CURRENT).write_text(only[-1].name, encoding="utf-8")
    if (folder / BINDINGS).is_file():
        read_bindings(folder / BINDINGS)
        if not allow_commands and runs_programs((folder / BINDINGS).read_text("utf-8")):
            raise StudioError(
                "commands-not-allowed",
                "its bindings run programs: start the studio with --allow-commands to bring it in",
                403,
            )


def _named(folder: Path) -> str:
    try:
        document: Any = read_json(folder / PROJECT_JSON)
    except HandflowError:
        return ""
    name = document.get("name") if isinstance(document, dict) else None
    return name if isinstance(name, str) else ""


def _unfit(why: str) -> StudioError:
    return StudioError("bad-zip", f"this file cannot be brought in: {why}", 422, why=why)


def _add_all(out: zipfile.ZipFile, project: Project) -> None:
    for name in (PROJECT_JSON, BINDINGS):
        if (project.folder / name).is_file():
            out.write(project.folder / name, name)
    _add(out, project.folder / DATASET, DATASET)
    model = project.model()
    if model is not None:
        _add(out, model, f"{MODELS}/{model.name}")
        out.writestr(f"{MODELS}/{CURRENT}", model.name)


def _add(out: zipfile.ZipFile, folder: Path, name: str) -> None:
    """Adds the files of a folder, without what is temporary or thrown away."""
    for path in _files(folder):
        packing = zipfile.ZIP_STORED if path.suffix in _LOOSE else zipfile.ZIP_DEFLATED
        out.write(path, f"{name}/{path.relative_to(folder).as_posix()}", packing)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == TRASH or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path
