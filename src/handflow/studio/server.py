"""Serves a studio: `run` in this thread until Ctrl-C, or `start` and `close` for programs."""

import asyncio
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from handflow.capture.opening import kind_of
from handflow.errors import ActionError
from handflow.loopback import HOST, bind, make_server, serve
from handflow.studio.answers import StudioConfig
from handflow.studio.app import make_app
from handflow.studio.desk import Desk
from handflow.studio.errors import StudioError
from handflow.studio.lock import FileLock
from handflow.studio.security import LARGEST_MESSAGE, http_protocol, load_token, new_pass
from handflow.studio.workspace import Workspace

if TYPE_CHECKING:
    from handflow.hands import HandLandmarker

_LOCK = ".lock"
_ENDING = 5.0  # seconds that the thread of the server gets to end


class StudioServer:
    """A studio on a port of this computer.

    Args:
        folder: of its projects; made where there is none.
        port: 0: any free one.
        camera: the server's own source; None: pages use their own.
        allow_commands: whether pages may make actions that run programs.
        make_landmarker: finds the hands; None: the usual one.

    Raises:
        StudioError: the port is taken, the folder cannot be used, or another studio uses it.
        SourceError: the camera names no source.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        camera: str | None = None,
        allow_commands: bool = False,
        make_landmarker: "Callable[[], HandLandmarker] | None" = None,
    ) -> None:
        if camera is not None:
            kind_of(camera)  # a misspelt one is told at once; a camera may be plugged in later
        self.folder = folder
        workspace = Workspace(folder)
        self._lock = FileLock(folder / _LOCK)
        if not self._lock.acquire():
            raise StudioError(
                "runs", f"a studio for {folder} runs already: use its page, end it, or name another folder"
            )
        try:
            self._socket: socket.socket = bind(port)
        except ActionError as error:
            self._lock.release()
            raise StudioError("port", f"{error}: --port 0 takes any free one") from error
        self.port: int = self._socket.getsockname()[1]
        self.token = load_token(folder)
        self.desk = Desk(camera, make_landmarker)
        config = StudioConfig(self.port, self.token, camera, allow_commands)
        self._server = make_server(
            make_app(workspace, config, self.desk),
            http=http_protocol(),
            ws_max_size=LARGEST_MESSAGE,
            timeout_graceful_shutdown=1,
        )
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the page is, for a browser that knows the token already."""
        return f"http://{HOST}:{self.port}/"

    @property
    def start_link(self) -> str:
        """Opens the page and lets the browser in."""
        return f"{self.url}start?token={self.token}"

    def new_start_link(self) -> str:
        """One that opens once and soon: what starts a browser shows its link to all users of the computer."""
        return f"{self.url}start?token={new_pass(self.token)}"

    def run(self) -> None:
        """Serves until Ctrl-C, then ends in good order."""
        try:
            asyncio.run(serve(self._server, self._socket))
        finally:
            self._end()

    def start(self) -> "StudioServer":
        """Serves in a thread."""
        self._thread = threading.Thread(target=self.run, name="studio", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Ends what `start` began."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_ENDING)

    def __enter__(self) -> "StudioServer":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _end(self) -> None:
        self._socket.close()
        self.desk.close()
        self._lock.release()
