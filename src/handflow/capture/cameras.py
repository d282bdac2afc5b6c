"""Which cameras this machine has, how fast they are, and why one does not open."""

import json
import logging
import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from handflow.errors import SourceError

log = logging.getLogger(__name__)

# Media Foundation, OpenCV's first choice on Windows, takes up to 20 s to open a camera; DirectShow does not.
BACKENDS: dict[str, tuple[str, int]] = {
    "linux": ("V4L2", cv2.CAP_V4L2),
    "win32": ("DirectShow", cv2.CAP_DSHOW),
    "darwin": ("AVFoundation", cv2.CAP_AVFOUNDATION),
}
SYSFS = Path("/sys/class/video4linux")
DEV = Path("/dev")

# linux/videodev2.h: VIDIOC_QUERYCAP = _IOR('V', 0, struct v4l2_capability), 104 bytes
_QUERYCAP = 0x80685600
_CAPTURE = 0x00000001 | 0x00001000  # V4L2_CAP_VIDEO_CAPTURE, …_MPLANE
_DEVICE_CAPS = 0x80000000  # V4L2_CAP_DEVICE_CAPS: the field device_caps is filled

Opener = Callable[[int, int], Any]
"""Opens camera `index` with an OpenCV backend and returns what `cv2.VideoCapture` offers."""


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """One camera of this machine."""

    index: int  # what --source takes
    name: str  # as the system calls it; empty where it does not say
    backend: str  # V4L2, DirectShow or AVFoundation
    problem: str = ""  # why it cannot be used, with the remedy


@dataclass(frozen=True, slots=True)
class CameraProbe:
    """What a camera really gives when it is opened as it is."""

    index: int
    open_seconds: float  # from opening to the first picture
    size: tuple[int, int]  # (width, height), pixels
    fps: float  # measured, frames a second


def backend(system: str = sys.platform) -> tuple[str, int]:
    """Name and OpenCV number of the back end for a system (`sys.platform`)."""
    return BACKENDS.get(system, ("any", cv2.CAP_ANY))


def open_capture(index: int, number: int) -> Any:
    """Opens a camera with OpenCV, whose own complaints on stderr are silenced: ours say more."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2.VideoCapture(index, number)


def list_cameras(system: str = sys.platform) -> list[CameraInfo]:
    """The cameras of this machine by index, without opening them where the system allows it."""
    if system == "linux":
        return _linux_cameras()
    name = backend(system)[0]
    found = {"win32": lambda: _listed_by_ffmpeg("dshow"), "darwin": _mac_names}.get(system, list[str])()
    return [CameraInfo(i, camera, name) for i, camera in enumerate(found)]


def why_not_opened(index: int, system: str = sys.platform, cameras: list[CameraInfo] | None = None) -> str:
    """One line on why a camera does not open and what to do about it."""
    if cameras is None:
        cameras = list_cameras(system)
    for camera in cameras:
        if camera.index == index and camera.problem:
            return f"camera {index} cannot be opened, {camera.problem}"
    others = ", ".join(f"{c.index} ({c.name})" if c.name else str(c.index) for c in cameras)
    if system == "linux" and all(c.index != index for c in cameras):
        if others:
            return f"there is no camera {index}; this machine has {others}"
        return f"there is no camera {index}, and no other: plug one in, or name a video file or URL"
    found = f" (this machine has {others})" if others else ""
    if system == "darwin":
        return (
            f"camera {index} does not open{found}: allow your terminal to use it in System Settings → "
            f"Privacy & Security → Camera, start the terminal again, and close other programs that use it"
        )
    if system == "win32":
        return (
            f"camera {index} does not open{found}: allow desktop apps to use the camera in Settings → "
            f"Privacy → Camera, and close other programs that use it"
        )
    return f"camera {index} does not open{found}: close other programs that use it, or plug it in again"


def probe_camera(
    index: int, *, seconds: float = 1.5, opener: Opener = open_capture, system: str = sys.platform
) -> CameraProbe:
    """Opens a camera and measures for about `seconds` what it gives.

    Raises:
        SourceError: it cannot be opened or gives no picture.
    """
    from handflow.capture.camera import CameraSource

    started = time.perf_counter()
    with CameraSource(index, opener=opener, system=system) as source:
        opened = time.perf_counter() - started
        until = time.perf_counter() + seconds
        next(source)
        times = []
        while time.perf_counter() < until:
            frame = source.latest(timeout=max(0.0, until - time.perf_counter()))
            if frame is not None:
                times.append(frame.timestamp)
            elif source.ended:
                raise SourceError(f"camera {index} stopped giving pictures")
        return CameraProbe(index, opened, source.size, source.fps)


def _linux_cameras(sysfs: Path | None = None, dev: Path | None = None) -> list[CameraInfo]:
    """Capture nodes of Video4Linux; a webcam's second node, which gives metadata only, is left out."""
    sysfs, dev = sysfs or SYSFS, dev or DEV
    numbers = {
        int(p.name.removeprefix("video"))
        for folder in (sysfs, dev)  # containers may have /dev/video0 without sysfs, and the other way round
        if folder.is_dir()
        for p in folder.glob("video*")
        if p.name.removeprefix("video").isdecimal()
    }
    cameras = []
    for number in sorted(numbers):
        node, about = dev / f"video{number}", sysfs / f"video{number}"
        name = (about / "name").read_text(errors="replace").strip() if (about / "name").is_file() else ""
        problem = ""
        if not node.exists():
            problem = f"{node} is missing: give the container access to it (docker run --device {node})"
        elif not os.access(node, os.R_OK | os.W_OK):
            problem = (
                f"no permission for {node}: add yourself to the group 'video' "
                f"(sudo usermod -aG video $USER) and log in again"
            )
        elif not _captures(node):
            continue
        secondary = about / "index"
        if problem and secondary.is_file() and secondary.read_text().strip() not in ("", "0"):
            continue  # cannot be asked, but is not the device's first node: metadata
        cameras.append(CameraInfo(number, name, "V4L2", problem))
    return cameras


def _captures(node: Path) -> bool:
    """Whether a Video4Linux node says that it gives pictures; True where it does not say."""
    if sys.platform == "win32":
        return True
    import fcntl

    answer = bytearray(104)
    try:
        handle = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        log.info("%s: %s", node, error)
        return True
    try:
        fcntl.ioctl(handle, _QUERYCAP, answer)
    except OSError as error:
        log.info("%s: %s", node, error)
        return True
    finally:
        os.close(handle)
    capabilities, device = struct.unpack_from("<II", answer, 84)
    return bool((device if capabilities & _DEVICE_CAPS else capabilities) & _CAPTURE)


def _listed_by_ffmpeg(kind: str) -> list[str]:
    """Names of video inputs in the order in which OpenCV counts them too (both ask DirectShow)."""
    import av

    try:
        devices = av.enumerate_input_devices(kind)
    except (AttributeError, ValueError, OSError, av.error.FFmpegError) as error:  # older PyAV or FFmpeg
        log.info("cannot list %s devices: %s", kind, error)
        return []
    return [d.description or d.name for d in devices if not d.media_types or "video" in d.media_types]


def _mac_names(run: Callable[..., Any] = subprocess.run) -> list[str]:
    """Names of the cameras in OpenCV's order, which is that of their unique ids."""
    try:
        done = run(
            ["system_profiler", "SPCameraDataType", "-json"], capture_output=True, timeout=20, check=True
        )
        listed = json.loads(done.stdout)["SPCameraDataType"]
        ordered = sorted(listed, key=lambda c: c.get("spcamera_unique-id", ""))
        return [str(c["_name"]) for c in ordered]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        log.info("system_profiler: %s", error)
        return []
