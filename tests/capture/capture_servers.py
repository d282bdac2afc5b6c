"""Small real servers on this machine: MJPEG over HTTP as webcams speak it, and RTSP with H.264."""

import contextlib
import http.server
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import cv2
from capture_fakes import numbered


@contextlib.contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    """Runs a server in the background and gives its port."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]  # type: ignore[index]
    finally:
        server.shutdown()
        server.server_close()


class _QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def files(folder: Path) -> contextlib.AbstractContextManager[int]:
    """An HTTP server of a folder's files."""
    handler = partial(_QuietFiles, directory=str(folder))
    return serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))


class MjpegCamera:
    """An HTTP camera that sends JPEGs without end, until it is switched off."""

    def __init__(self) -> None:
        self.on = True
        self.silent = False  # accepts, but sends nothing
        self.sent = 0
        self.connections = 0
        camera = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.connections += 1
                if not camera.on:
                    self.send_error(503)
                    return
                if self.path == "/secret" and "Authorization" not in self.headers:
                    self.send_error(401)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                with contextlib.suppress(OSError):
                    while camera.on:
                        if camera.silent:
                            time.sleep(0.02)
                            continue
                        jpeg = cv2.imencode(".jpg", numbered(camera.sent)[..., ::-1])[1].tobytes()
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                        self.wfile.write(head.encode() + jpeg + b"\r\n")
                        camera.sent += 1
                        time.sleep(0.005)

            def log_message(self, *args: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.serving = serving(server)


class RtspCamera:
    """An RTSP server of H.264 over interleaved TCP (RFC 2326, 6184): as much as a client asks of a camera."""

    RATE = 20  # frames a second, by its RTP times

    def __init__(self) -> None:
        self.on = True
        self.sent = 0
        camera = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    camera.talk(self)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.serving = serving(Server(("127.0.0.1", 0), Handler))

    def _encoder(self) -> "av.VideoCodecContext":
        encoder = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt = 64, 48, "yuv420p"
        encoder.time_base = Fraction(1, self.RATE)
        encoder.framerate = self.RATE
        encoder.gop_size = 5
        encoder.options = {"tune": "zerolatency", "preset": "ultrafast", "x264-params": "repeat-headers=1"}
        return encoder

    def talk(self, handler: socketserver.StreamRequestHandler) -> None:
        """Answers a client's requests; plays after PLAY until either side ends."""
        while True:
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                line = handler.rfile.readline()
                if not line:
                    return
                request += line
            text = request.decode()
            method, url = text.split()[:2]
            sequence = next(
                x.split(":")[1].strip() for x in text.splitlines() if x.lower().startswith("cseq")
            )
            head, body = {"OPTIONS": ("Public: DESCRIBE, SETUP, PLAY\r\n", "")}.get(method, ("", ""))
            if method == "DESCRIBE":
                body = (
                    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
                    "a=fmtp:96 packetization-mode=1\r\na=control:track1\r\n"
                )
                head = f"Content-Base: {url}/\r\nContent-Type: application/sdp\r\n"
                head += f"Content-Length: {len(body)}\r\n"
            elif method == "SETUP":
                head = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
            elif method == "PLAY":
                head = "Session: 1\r\nRange: npt=0.000-\r\n"
            handler.wfile.write(f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n{head}\r\n{body}".encode())
            if method == "PLAY":
                self.play(handler)
                return

    def play(self, handler: socketserver.StreamRequestHandler) -> None:
        """Sends pictures, one RTP packet for each unit of the codec."""
        encoder, packet_number, number = self._encoder(), 0, 0
        while self.on:
            frame = av.VideoFrame.from_ndarray(numbered(number), format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, self.RATE)
            for packet in encoder.encode(frame):
                units = [u for u in bytes(packet).replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if u]
                for unit in units:
                    mark = 0x80 if unit is units[-1] else 0
                    ticks = number * 90_000 // self.RATE
                    rtp = struct.pack("!BBHII", 0x80, mark | 96, packet_number & 0xFFFF, ticks, 7) + unit
                    handler.wfile.write(struct.pack("!cBH", b"$", 0, len(rtp)) + rtp)
                    packet_number += 1
            number += 1
            self.sent += 1
            time.sleep(1 / self.RATE)
        handler.connection.shutdown(socket.SHUT_RDWR)


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
