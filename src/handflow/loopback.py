"""Servers that nobody but this computer reaches."""

import socket
import sys
from typing import TYPE_CHECKING, Any

from handflow.errors import ActionError

if TYPE_CHECKING:
    import uvicorn

HOST = "127.0.0.1"


def bind(port: int) -> socket.socket:
    """A socket that listens on a port of this computer; 0: any free one.

    Raises:
        ActionError: the port is taken or not allowed.
    """
    # Named TCP, or asyncio would not send small messages at once (TCP_NODELAY) but wait for more.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform == "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((HOST, port))
        bound.listen()  # who comes before the server is up waits
    except (OSError, OverflowError) as error:
        bound.close()
        raise ActionError(
            f"port {port} cannot be served on ({error}): end the program that uses it, or choose another one"
        ) from error
    return bound


def make_server(app: Any, **settings: Any) -> "uvicorn.Server":
    """A server of an ASGI app that writes nothing, tells nothing of itself and believes no proxy.

    `settings`: more of `uvicorn.Config`.
    """
    import uvicorn

    config = uvicorn.Config(
        app,
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="critical",  # what a caller does wrong is of no interest on the screen
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws_per_message_deflate=False,
        **settings,
    )
    return uvicorn.Server(config)


async def serve(server: "uvicorn.Server", bound: socket.socket) -> None:
    """Serves until `server.should_exit`, then ends what is still connected."""
    await server.serve([bound])
    for connection in list(server.server_state.connections):
        connection.transport.abort()  # a caller that does not read would otherwise hold it open
