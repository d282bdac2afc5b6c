"""The web application of the studio: its addresses, and how errors are told."""

import errno
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from handflow.errors import HandflowError, MissingExtraError
from handflow.studio import answers
from handflow.studio.answers import STATIC, Studio, StudioConfig, Work, listed
from handflow.studio.desk import Desk
from handflow.studio.errors import StudioError, code_of
from handflow.studio.live import live
from handflow.studio.orders import strict_json
from handflow.studio.security import Guard
from handflow.studio.takeaway import bring
from handflow.studio.workspace import Workspace


def make_app(workspace: Workspace, config: StudioConfig, desk: Desk) -> Starlette:
    """The application.

    Args:
        workspace: holds the projects.
        config: to whom and how it answers.
        desk: where pages sit that show a camera.
    """
    studio = Studio(workspace, config, desk)

    def at(path: str, **by_method: Work) -> Route:
        return Route(f"/api{path}", _endpoint(studio, by_method), methods=[m.upper() for m in by_method])

    one = "/projects/{project}"
    routes = [
        Route("/", lambda request: FileResponse(STATIC / "index.html")),
        at("/state", get=answers.state),
        at("/projects", post=answers.create),
        Route("/api/projects/import", _importing(studio), methods=["POST"]),
        at(one, get=answers.project, patch=answers.rename, delete=answers.delete),
        at(f"{one}/gestures", get=answers.gestures, post=answers.add_gesture),
        at(f"{one}/gestures/{{gesture}}", patch=answers.rename_gesture, delete=answers.delete_gesture),
        at(f"{one}/takes/{{take}}", patch=answers.move_take, delete=answers.delete_take),
        at(f"{one}/takes/{{take}}/preview", get=answers.preview),
        at(f"{one}/undo", post=answers.undo),
        at(f"{one}/train", get=answers.training, post=answers.train, delete=answers.cancel),
        at(f"{one}/model", get=answers.model),
        at(f"{one}/model/{{file}}", get=answers.model_file),
        at(f"{one}/sensitivity", put=answers.tune),
        at(f"{one}/bindings", get=answers.bindings, post=answers.bind),
        at(f"{one}/bindings.toml", put=answers.write_bindings),
        at(f"{one}/bindings/test", post=answers.test),
        at(f"{one}/bindings/{{number:int}}", put=answers.rebind, delete=answers.unbind),
        at(f"{one}/export/{{what}}", get=answers.export),
        at(f"{one}/command", get=answers.command),
        WebSocketRoute(f"/api{one}/live", live(workspace, desk)),
        Mount("/static", StaticFiles(directory=STATIC, check_dir=False)),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, token=config.token, port=config.port)],
        exception_handlers={HandflowError: _told, OSError: _told_of_disk, HTTPException: _refused},
    )


def _endpoint(studio: Studio, by_method: dict[str, Work]) -> Callable[[Request], Awaitable[Response]]:
    def respond(request: Request, body: bytes) -> Response:
        work = by_method["get" if request.method == "HEAD" else request.method.lower()]
        try:
            given = strict_json(body) if body else None
        except ValueError as error:
            raise StudioError("bad-request", "the request is no JSON", 400) from error
        try:
            answered = work(studio, request, given)
        except RecursionError as error:
            raise StudioError("bad-request", "the request is nested too deeply", 400) from error
        return answered if isinstance(answered, Response) else JSONResponse(answered)

    async def answer(request: Request) -> Response:
        body = b"" if request.method in ("GET", "HEAD") else await request.body()
        return await run_in_threadpool(respond, request, body)

    return answer


async def _told(request: Request, error: Exception) -> Response:
    status, values = 422, {}
    code = code_of(error)
    if isinstance(error, StudioError):
        code, status, values = error.code, error.status, error.values
    elif isinstance(error, MissingExtraError):
        status = 409
    return _error(code, str(error), status, values)


async def _told_of_disk(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _error("disk-full", "the disk is full: free some space and try again", 507, {})
    if isinstance(error, FileNotFoundError):
        return _error("changed", "something was moved or deleted meanwhile: reload the page", 409, {})
    return _error("disk", f"the disk says no: {error}", 507, {})


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error("refused", str(error.detail), error.status_code, {})


def _error(code: str, message: str, status: int, values: dict[str, Any]) -> Response:
    return JSONResponse({"error": {"code": code, "message": message, "values": values}}, status)


def _importing(studio: Studio) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        with tempfile.TemporaryFile(dir=studio.workspace.folder) as file:
            async for chunk in request.stream():
                await run_in_threadpool(file.write, chunk)
            name = request.query_params.get("name", "")
            allowed = studio.config.allow_commands
            project = await run_in_threadpool(bring, studio.workspace, file, name, allow_commands=allowed)
            return JSONResponse(await run_in_threadpool(listed, project))

    return answer
