"""Sources of frames: camera, video file, stream, folder of images; and the writer of videos.

Nothing heavy is imported here: OpenCV and PyAV come with the kind of source that needs them.
"""

from typing import TYPE_CHECKING, Any

from handflow.capture.opening import KINDS, FramesSource, SourceKind, open_source
from handflow.capture.source import Source

if TYPE_CHECKING:
    from handflow.capture.cameras import CameraInfo, CameraProbe, list_cameras, probe_camera
    from handflow.capture.folder import natural_key, read_image
    from handflow.capture.writer import VideoWriter

__all__ = [
    "KINDS",
    "CameraInfo",
    "CameraProbe",
    "FramesSource",
    "Source",
    "SourceKind",
    "VideoWriter",
    "list_cameras",
    "natural_key",
    "open_source",
    "probe_camera",
    "read_image",
]

_LATER = {
    "CameraInfo": "cameras",
    "CameraProbe": "cameras",
    "list_cameras": "cameras",
    "probe_camera": "cameras",
    "natural_key": "folder",
    "read_image": "folder",
    "VideoWriter": "writer",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        import importlib

        return getattr(importlib.import_module(f"handflow.capture.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
