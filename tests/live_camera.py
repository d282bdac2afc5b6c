"""A network camera that shows a part of a video again and again, at its own pace."""

import contextlib
import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from handflow.capture import open_source
from handflow.data.pictures import encode_jpeg


@contextlib.contextmanager
def camera(video: Path, begin: float, end: float) -> Iterator[str]:
    """Serves MJPEG over HTTP; gives its URL.

    Args:
        video: the recording.
        begin: seconds, where the part that is shown begins.
        end: seconds, where it ends.
    """
    with open_source(video) as source:
        fps = source.fps
        pictures = [encode_jpeg(frame.image) for frame in source if begin <= frame.timestamp < end]
    off = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            start, sent = time.monotonic(), 0
            with contextlib.suppress(OSError):
                while not off.wait(max(0.0, start + sent / fps - time.monotonic())):
                    jpeg = pictures[sent % len(pictures)]
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
                    sent += 1

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        off.set()
        server.shutdown()
        server.server_close()
