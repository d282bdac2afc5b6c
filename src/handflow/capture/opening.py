"""What a user may name as a source, and how it is opened: add one class and one entry here."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from handflow.capture.source import OfflineSource, Source
from handflow.errors import SourceError
from handflow.types import Frame

Size = tuple[int, int]
_CAMERA = re.compile(r"(?:camera:|/dev/video)?([0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class SourceKind:
    """One kind of source."""

    example: str  # how a user names one
    recognizes: Callable[[str], bool]
    open: Callable[[str, Size | None, float | None], Source]


def _open_camera(spec: str, size: Size | None, fps: float | None) -> Source:
    from handflow.capture.camera import CameraSource

    match = _CAMERA.fullmatch(spec)
    assert match is not None
    return CameraSource(int(match[1]), size=size, fps=fps)


def _is_url(spec: str) -> bool:
    return bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", spec))


def _open_url(spec: str, size: Size | None, fps: float | None) -> Source:
    from handflow.capture import network

    try:
        urlsplit(spec)
    except ValueError as error:
        raise SourceError(f"that is no URL ({error}): write it as in rtsp://10.0.0.2/live") from error
    if not network.is_url(spec):
        known = ", ".join(network.SCHEMES)
        raise SourceError(f"cannot open {network.without_secrets(spec)}: known kinds of URL are {known}")
    return network.open_url(spec, size=size, fps=fps)


def _open_folder(spec: str, size: Size | None, fps: float | None) -> Source:
    from handflow.capture.folder import FolderSource

    return FolderSource(Path(spec), size=size, fps=fps)


def _open_video(spec: str, size: Size | None, fps: float | None) -> Source:
    from handflow.capture.video import VideoSource

    return VideoSource(Path(spec), size=size, fps=fps)


KINDS: dict[str, SourceKind] = {  # asked in this order
    "camera": SourceKind("0", lambda s: bool(_CAMERA.fullmatch(s)), _open_camera),
    "URL": SourceKind("rtsp://10.0.0.2/live", _is_url, _open_url),
    "folder of images": SourceKind("frames/", lambda s: Path(s).is_dir(), _open_folder),
    "video file": SourceKind("hands.mp4", lambda s: Path(s).exists(), _open_video),
}


class FramesSource(OfflineSource):
    """Frames that the program made itself, as a source."""

    def __init__(self, frames: Iterable[Frame], *, name: str = "frames", fps: float = 30.0) -> None:
        """Raises SourceError where there is no frame."""
        self.name = name
        self.fps = fps
        self._frames: Iterator[Frame] = iter(frames)
        self._first = next(self._frames, None)
        if self._first is None:
            raise SourceError(f"{name} holds no picture")
        self.size = self._first.size

    def __next__(self) -> Frame:
        first, self._first = self._first, None
        return first or next(self._frames)

    def close(self) -> None:
        """Ends the iteration."""
        self._first, self._frames = None, iter(())


def open_source(
    spec: int | str | Path | Source | Iterable[Frame],
    *,
    size: Size | None = None,
    fps: float | None = None,
    realtime: bool = False,
) -> Source:
    """Opens what a user names as a source of frames.

    Args:
        spec: a camera's number (0, "0", "/dev/video0"), a video file, a folder of images, a URL; or an
            object: a source, which is returned as it is, or an iterable of frames.
        size: (width, height) in pixels: asked of a camera; pictures of other sources are shrunk to fit,
            proportions kept.
        fps: frames a second: asked of a camera; assumed for folders and for videos without times.
        realtime: play a file at its own pace and drop what is late, as a camera does.

    Raises:
        SourceError: it is unknown, missing or unreadable; the message says what to do.
    """
    if size is not None and min(size) < 16:
        raise SourceError(f"a size of {size[0]}x{size[1]} is too small: name at least 16x16 pixels")
    if fps is not None and not 0 < fps <= 1000:
        raise SourceError(f"{fps:g} frames a second is impossible: name a rate above 0, up to 1000")
    source = _open(spec, size, fps)
    if realtime and not source.live:
        from handflow.capture.video import PacedSource

        return PacedSource(source)
    return source


def _open(spec: Any, size: Size | None, fps: float | None) -> Source:
    if isinstance(spec, Source):
        return spec
    if not isinstance(spec, int | str | Path):
        return FramesSource(spec, fps=fps or 30.0)
    return kind_of(spec).open(str(spec), size, fps)


def kind_of(spec: int | str | Path) -> SourceKind:
    """The kind of source that somebody names, without a look at it.

    Raises:
        SourceError: it is none.
    """
    text = str(spec)
    for name, kind in KINDS.items():
        if name in ("camera", "URL") and isinstance(spec, Path):
            continue  # so that a program can name a file called 0
        if text and kind.recognizes(text):
            return kind
    examples = ", ".join(f"a {name} ({kind.example})" for name, kind in KINDS.items())
    raise SourceError(f"no source {text!r}: no such file or folder. A source is {examples}")
