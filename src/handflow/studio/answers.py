"""What the studio answers: each function takes a request and its JSON, in a thread of its own."""

import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from handflow.errors import DatasetError, ModelFileError
from handflow.studio.binding import ProjectBindings
from handflow.studio.desk import Desk
from handflow.studio.errors import StudioError, absent
from handflow.studio.model_card import card_of
from handflow.studio.model_card import tune as tune_model
from handflow.studio.seat import Retune
from handflow.studio.takeaway import export as export_part
from handflow.studio.training import Training, kinds
from handflow.studio.workspace import Project, Workspace
from handflow.types import BACKGROUND

STATIC = Path(__file__).with_name("static")
_CHUNK = 1 << 18  # bytes
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class StudioConfig:
    """How a studio is served."""

    port: int
    token: str
    camera: str | None = None  # the server's own source, as `open_source` takes it
    allow_commands: bool = False  # whether the page may make and change actions that run programs


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


B = TypeVar("B", bound=BaseModel)


class _Named(_Body):
    name: str = Field(max_length=200)


class _Moved(_Body):
    gesture: str = Field(max_length=200)


class _Kind(_Body):
    kind: str = Field("few-shot", max_length=40)


class _Text(_Body):
    text: str


class _Test(_Body):
    gesture: str = Field(max_length=200)
    hand: str = Field("right", pattern="^(left|right|both)$")
    dry_run: bool = False


class _Sensitivity(RootModel[dict[str, Annotated[float, Field(ge=-1, le=1)]]]):
    model_config = ConfigDict(frozen=True)


class Studio:
    """What all requests share."""

    def __init__(self, workspace: Workspace, config: StudioConfig, desk: Desk) -> None:
        self.workspace, self.config, self.desk = workspace, config, desk
        self._trainings: dict[str, Training] = {}

    def training(self, project: Project) -> Training:
        """The training of a project."""
        return self._trainings.setdefault(project.slug, Training(project))

    def bindings(self, project: Project) -> ProjectBindings:
        """The bindings of a project."""
        return ProjectBindings(project, allow_commands=self.config.allow_commands)

    def forget(self, project: Project) -> None:
        """Lets go of a project that is gone."""
        self._trainings.pop(project.slug, None)


Work = Callable[[Studio, Request, Any], Any]
"""Answers a request in a thread of its own, given its JSON: a response, or what becomes JSON."""


def _of(studio: Studio, request: Request) -> Project:
    return studio.workspace.project(request.path_params["project"])


def state(studio: Studio, request: Request, given: Any) -> Any:
    """What the page needs to begin: projects, and what may be done here."""
    return {
        "projects": [listed(project) for project in studio.workspace.projects()],
        "server_camera": studio.config.camera is not None,
        "kinds": kinds(),
        "languages": sorted(path.stem for path in (STATIC / "locales").glob("*.json")),
    }


def listed(project: Project) -> dict[str, Any]:
    """A project as it stands in the list."""
    counts, damaged = {}, ""
    try:
        counts = project.takes.counts()
    except DatasetError as error:  # one that is damaged hides none of the others
        damaged = str(error)
    model = project.model()
    return {
        "slug": project.slug,
        "name": project.meta.name,
        "gestures": len(counts.keys() - {BACKGROUND}),
        "takes": sum(counts.values()),
        "model": model and model.name,
        "damaged": damaged,
    }


def create(studio: Studio, request: Request, given: Any) -> Any:
    """Makes a project."""
    return listed(studio.workspace.create(_parsed(_Named, given).name))


def project(studio: Studio, request: Request, given: Any) -> Any:
    """All of one project."""
    project = _of(studio, request)
    card, problem = None, ""
    try:
        card = card_of(project)
    except ModelFileError as error:  # takes can be recorded and a new one trained all the same
        problem = str(error)
    return {
        **listed(project),
        "gestures": project.takes.gestures(),
        "training": studio.training(project).document(),
        "model": card,
        "model_problem": problem,
        "bindings": studio.bindings(project).document(),
    }


def rename(studio: Studio, request: Request, given: Any) -> Any:
    """Gives a project another name."""
    project = _of(studio, request)
    project.rename(_parsed(_Named, given).name)
    return listed(project)


def delete(studio: Studio, request: Request, given: Any) -> Any:
    """Moves a project to the trash."""
    project = _of(studio, request)
    if studio.training(project).state().state == "running":
        raise StudioError("training-runs", "a training of this project runs: cancel it first")
    seat = studio.desk.seat
    if seat is not None and seat.project is project:
        seat.leave()
        if not seat.join():
            raise StudioError("busy", "a page of this project has not ended yet: try again in a moment")
    studio.workspace.delete(project)
    studio.forget(project)
    return {}


def gestures(studio: Studio, request: Request, given: Any) -> Any:
    """All gestures with their takes."""
    return _of(studio, request).takes.gestures()


def add_gesture(studio: Studio, request: Request, given: Any) -> Any:
    """Declares a gesture."""
    return {"name": _of(studio, request).takes.add_gesture(_parsed(_Named, given).name)}


def rename_gesture(studio: Studio, request: Request, given: Any) -> Any:
    """Gives a gesture another name, also where something is bound to it."""
    project, gesture = _of(studio, request), request.path_params["gesture"]
    _require_idle(studio, project, gesture)
    name = project.takes.rename_gesture(gesture, _parsed(_Named, given).name)
    studio.bindings(project).rename(gesture, name)
    return {"name": name}


def delete_gesture(studio: Studio, request: Request, given: Any) -> Any:
    """Moves a gesture with its takes to the trash."""
    project, gesture = _of(studio, request), request.path_params["gesture"]
    _require_idle(studio, project, gesture)
    return {"undo": project.takes.delete_gesture(gesture)}


def _require_idle(studio: Studio, project: Project, gesture: str) -> None:
    seat = studio.desk.seat
    if seat is not None and seat.project is project and seat.records(gesture):
        raise StudioError(
            "recording", f"takes of '{gesture}' are being recorded: stop that first", gesture=gesture
        )


def move_take(studio: Studio, request: Request, given: Any) -> Any:
    """Gives a take to another gesture."""
    takes = _of(studio, request).takes
    takes.move(request.path_params["take"], _parsed(_Moved, given).gesture)
    return takes.take(request.path_params["take"])


def delete_take(studio: Studio, request: Request, given: Any) -> Any:
    """Moves a take to the trash."""
    _of(studio, request).takes.delete(request.path_params["take"])
    return {}


def undo(studio: Studio, request: Request, given: Any) -> Any:
    """Takes the last deletion or move back."""
    return _of(studio, request).takes.undo()


def preview(studio: Studio, request: Request, given: Any) -> Any:
    """The strip of a take."""
    jpeg, (width, height), steps = _of(studio, request).takes.preview(request.path_params["take"])
    headers = {"X-Steps": str(steps), "X-Width": str(width), "X-Height": str(height)}
    return Response(jpeg, media_type="image/jpeg", headers=headers)


def training(studio: Studio, request: Request, given: Any) -> Any:
    """How far the training is."""
    return studio.training(_of(studio, request)).document()


def train(studio: Studio, request: Request, given: Any) -> Any:
    """Starts a training."""
    training = studio.training(_of(studio, request))
    training.start(_parsed(_Kind, given or {}).kind)
    return training.document()


def cancel(studio: Studio, request: Request, given: Any) -> Any:
    """Ends a training."""
    training = studio.training(_of(studio, request))
    training.cancel()
    return training.document()


def model(studio: Studio, request: Request, given: Any) -> Any:
    """What is said of the model in use."""
    return card_of(_of(studio, request))


def model_file(studio: Studio, request: Request, given: Any) -> Any:
    """The report of the model in use."""
    name = request.path_params["file"]
    path = _of(studio, request).needed_model() / name
    if name != "report.html" or not path.is_file():
        raise absent("file", name)
    return FileResponse(path, headers={"Content-Security-Policy": _REPORT_POLICY})


def tune(studio: Studio, request: Request, given: Any) -> Any:
    """Makes gestures come more or less easily."""
    project = _of(studio, request)
    now = tune_model(project, _parsed(_Sensitivity, given).root)
    seat = studio.desk.seat
    if seat is not None and seat.project is project:
        seat.order(Retune())
    return now


def bindings(studio: Studio, request: Request, given: Any) -> Any:
    """What gestures do."""
    return studio.bindings(_of(studio, request)).document()


def bind(studio: Studio, request: Request, given: Any) -> Any:
    """Adds a binding."""
    bindings = studio.bindings(_of(studio, request))
    bindings.add(_table(given))
    return bindings.document()


def rebind(studio: Studio, request: Request, given: Any) -> Any:
    """Changes a binding."""
    bindings = studio.bindings(_of(studio, request))
    bindings.change(request.path_params["number"], _table(given))
    return bindings.document()


def unbind(studio: Studio, request: Request, given: Any) -> Any:
    """Removes a binding."""
    bindings = studio.bindings(_of(studio, request))
    bindings.remove(request.path_params["number"])
    return bindings.document()


def _table(given: Any) -> dict[str, Any]:
    actions = given.get("do") if isinstance(given, dict) else None
    if not isinstance(actions, list) or not all(isinstance(action, dict) for action in actions):
        raise StudioError("bad-request", "a binding is a table with a gesture and a list of actions", 400)
    return dict(given)


def write_bindings(studio: Studio, request: Request, given: Any) -> Any:
    """Writes the bindings file as text."""
    bindings = studio.bindings(_of(studio, request))
    bindings.replace(_parsed(_Text, given).text)
    return bindings.document()


def test(studio: Studio, request: Request, given: Any) -> Any:
    """Does what a gesture is bound to."""
    wish = _parsed(_Test, given)
    return studio.bindings(_of(studio, request)).test(wish.gesture, wish.hand, dry_run=wish.dry_run)


def export(studio: Studio, request: Request, given: Any) -> Any:
    """A part of the project as a file."""
    what = request.path_params["what"]
    with ExitStack() as opened:
        file = opened.enter_context(tempfile.TemporaryFile(dir=studio.workspace.folder))
        name = export_part(_of(studio, request), what, file)
        opened.pop_all()  # it is closed when all was sent
    size = file.tell()
    file.seek(0)
    kind = "application/toml" if what == "bindings" else "application/zip"
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "Content-Length": str(size),
    }
    return StreamingResponse(_chunks(file), media_type=kind, headers=headers)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


def command(studio: Studio, request: Request, given: Any) -> Any:
    """How the model in use runs without the studio."""
    project = _of(studio, request)
    words = ["handflow", "run", "--model", str(project.needed_model())]
    if project.bindings.is_file():
        words += ["--bindings", str(project.bindings)]
    return {"command": subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)}


def _parsed(kind: type[B], given: Any) -> B:
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StudioError("bad-request", f"the request is wrong: {where}: {first['msg']}", 400) from error
