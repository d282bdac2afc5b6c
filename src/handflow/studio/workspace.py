"""The studio's folder: one folder for each project, with its takes, models and bindings.

FOLDER/<project>/project.json     format, shown name, when it was made
FOLDER/<project>/dataset/         a handflow dataset
FOLDER/<project>/models/<model>/  model folders
FOLDER/<project>/models/current   the name of the one in use
FOLDER/<project>/bindings.toml
FOLDER/<project>/training.json    the running or the last training (handflow.studio.training)
FOLDER/.trash/                    projects that were deleted
"""

import re
import threading
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from handflow.atomic import PARTIAL, free_name, staging_folder, sweep, write_bytes
from handflow.data import Dataset
from handflow.data.layout import CLIPS
from handflow.data.meta import read_json, write_meta
from handflow.data.naming import clip_id, natural_paths
from handflow.errors import DatasetError
from handflow.studio.errors import StudioError, absent
from handflow.studio.takes import Takes

PROJECT_JSON, DATASET, MODELS, CURRENT, BINDINGS = (
    "project.json", "dataset", "models", "current", "bindings.toml",
)  # fmt: skip
LONGEST_NAME = 60
_LONGEST_SLUG = 40
_TRASH = ".trash"


class ProjectMeta(BaseModel):
    """`project.json`."""

    model_config = ConfigDict(frozen=True)

    format: int = 1
    name: str
    created: str = ""


class Project:
    """One project: where its things lie. `lock` is held by whoever changes its takes or bindings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.RLock()
        self.takes = Takes(folder / DATASET, self.lock)

    @property
    def slug(self) -> str:
        """Its name in addresses, that of its folder."""
        return self.folder.name

    @property
    def meta(self) -> ProjectMeta:
        """What `project.json` says; of a damaged one, what its folder's name says."""
        try:
            return ProjectMeta.model_validate(read_json(self.folder / PROJECT_JSON))
        except (DatasetError, ValueError):
            return ProjectMeta(name=self.slug)

    @property
    def models(self) -> Path:
        """The folder of its models."""
        return self.folder / MODELS

    @property
    def bindings(self) -> Path:
        """Its bindings file, which may not be there yet."""
        return self.folder / BINDINGS

    def model(self) -> Path | None:
        """The model in use; None before the first training."""
        try:
            name = (self.models / CURRENT).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return next(
            (path for path in natural_paths(self.models) if path.name == name and path.is_dir()), None
        )

    def needed_model(self) -> Path:
        """The model in use.

        Raises:
            StudioError: there is none yet.
        """
        model = self.model()
        if model is None:
            raise StudioError("no-model", "there is no trained model yet: train one first")
        return model

    def use_model(self, name: str) -> None:
        """Puts a model of `models` to use."""
        write_bytes(self.models / CURRENT, name.encode())

    def rename(self, name: str) -> None:
        """Gives it another shown name; its folder and address stay.

        Raises:
            StudioError: nothing is left of the name.
        """
        with self.lock:
            write_meta(self.folder / PROJECT_JSON, self.meta.model_copy(update={"name": shown_name(name)}))


class Workspace:
    """All projects of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StudioError(
                "folder", f"projects cannot lie in {folder} ({error.strerror}): name another folder"
            ) from error
        sweep((*folder.glob(f"{PARTIAL}*"), *folder.glob(f"*/{DATASET}/{CLIPS}/*/{PARTIAL}*")))
        self._lock = threading.Lock()
        self._projects: dict[str, Project] = {}

    def projects(self) -> list[Project]:
        """All projects, in natural order of their folders."""
        found = [path.name for path in natural_paths(self.folder) if (path / PROJECT_JSON).is_file()]
        with self._lock:
            return [self._projects.setdefault(name, Project(self.folder / name)) for name in found]

    def project(self, slug: str) -> Project:
        """The project of an address.

        Raises:
            StudioError: there is none.
        """
        found = next((project for project in self.projects() if project.slug == slug), None)
        if found is None:
            raise absent("project", slug)
        return found

    def create(self, name: str) -> Project:
        """Makes an empty project.

        Raises:
            StudioError: nothing is left of the name.
        """
        with staging_folder(self.folder) as folder:
            return self.adopt(name, folder)

    def adopt(self, name: str, folder: Path) -> Project:
        """Makes a project of a temporary folder inside this one, which holds what is to be in it.

        Raises:
            StudioError: nothing is left of the name.
        """
        meta = ProjectMeta(name=shown_name(name), created=datetime.now(UTC).isoformat(timespec="seconds"))
        folder.chmod(0o700)  # it holds pictures of a person
        (folder / MODELS).mkdir(exist_ok=True)
        if not (folder / DATASET).is_dir():
            Dataset.create(folder / DATASET)
        write_meta(folder / PROJECT_JSON, meta)
        with self._lock:
            final = self._free(meta.name)
            folder.replace(final)
        return self.project(final.name)

    def delete(self, project: Project) -> None:
        """Moves a project to the trash."""
        trash = self.folder / _TRASH
        trash.mkdir(exist_ok=True)
        with project.lock, self._lock:
            project.folder.rename(free_name(trash, project.slug))
            self._projects.pop(project.slug, None)

    def _free(self, name: str) -> Path:
        slug, number = slug_of(name), 2
        folder = self.folder / slug
        while folder.exists():
            folder, number = self.folder / f"{slug}-{number}", number + 1
        return folder


def shown_name(name: str) -> str:
    """A project's name in its normal form.

    Raises:
        StudioError: nothing is left of it, or it is too long.
    """
    normal = " ".join(
        "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", name)).split()
    )
    if not normal or len(normal) > LONGEST_NAME:
        raise StudioError(
            "bad-name",
            f"a project needs a name of up to {LONGEST_NAME} characters",
            422,
            most=LONGEST_NAME,
        )
    return normal


def slug_of(name: str) -> str:
    """A folder's name for a shown name.

    >>> slug_of("Mächtige Folien!"), slug_of("Große Gesten"), slug_of("手"), slug_of("CON")
    ('machtige-folien', 'grosse-gesten', 'project', 'con-project')
    """
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_SLUG].strip("-") or "project"
    return slug if slug == clip_id(slug) else f"{slug}-project"  # Windows takes some names for devices
