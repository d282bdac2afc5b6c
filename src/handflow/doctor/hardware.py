"""Checks of what handflow works with: hand models, cameras, video, windows, disk."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from handflow.doctor.machine import Finding, Machine, Status
from handflow.doctor.software import pip_install
from handflow.errors import ModelFileError, SourceError

MEGABYTE = 1_000_000
SLOW_OPENING = 5.0  # seconds
SLOW_CAMERA = 20.0  # frames a second


def check_models(machine: Machine) -> Iterator[Finding]:
    """The hand models: there, whole, and they run."""
    try:
        if machine.models_absent():
            yield Finding(
                "hand models",
                "warn",
                "not here yet; the first command that needs them fetches them (36 MB)",
                "handflow doctor --download",
                {"present": False, "verified": False},
            )
            return
        models = machine.find_models()
        milliseconds = machine.time_hands(models)
    except ModelFileError as error:
        yield _broken_models(error, "fail")
        return
    except ImportError as error:
        yield Finding("hand models", "fail", f"their engine does not load: {error}", pip_install(machine))
        return
    known: dict[str, Any] = {
        "present": True,
        "verified": True,
        "place": str(models.source),
        "milliseconds": round(milliseconds, 2),
    }
    try:
        known["lite"] = machine.has_lite()
        if known["lite"]:
            machine.find_models("lite")
    except ModelFileError as error:
        yield _broken_models(error, "warn")
        return
    which = "full and lite" if known["lite"] else "full; no lite"
    detail = f"verified ({which}), in {models.source}; a look for hands takes {milliseconds:.1f} ms"
    yield Finding("hand models", "ok", detail, facts=known)


def _broken_models(error: ModelFileError, status: Status) -> Finding:
    message, _, remedy = str(error).rpartition(": ")
    facts = {"present": True, "verified": False}
    return Finding("hand models", status, message or str(error), remedy, facts)


def check_cameras(machine: Machine) -> Iterator[Finding]:
    """Every camera, opened for a moment."""
    try:
        cameras = machine.list_cameras()
    except ImportError as error:
        yield Finding("camera", "warn", f"cannot look for cameras: {error}", pip_install(machine))
        return
    if not cameras and machine.system != "linux":
        # The system did not tell; the first camera, if any, has number 0.
        yield _look_at_camera(machine, 0, "", "")
        return
    if not cameras:
        yield Finding(
            "camera",
            "warn",
            "none found",
            "plug one in, or name a video file or URL as --source",
            {"index": None},
        )
    for camera in cameras:
        if camera.problem:
            problem, _, remedy = camera.problem.partition(": ")
            facts = {"index": camera.index, "name": camera.name, "backend": camera.backend}
            yield Finding("camera", "warn", f"{camera.index} {camera.name}: {problem}", remedy, facts)
        else:
            yield _look_at_camera(machine, camera.index, camera.name, camera.backend)


def _look_at_camera(machine: Machine, index: int, name: str, backend: str) -> Finding:
    facts: dict[str, Any] = {"index": index, "name": name, "backend": backend}
    title = f"{index} {name}".strip()
    try:
        probe = machine.probe_camera(index)
    except SourceError as error:
        message, _, remedy = str(error).partition(": ")
        return Finding("camera", "warn", f"{title}: {message}", remedy, facts)
    facts |= {
        "fps": round(probe.fps, 2),
        "width": probe.size[0],
        "height": probe.size[1],
        "open_seconds": round(probe.open_seconds, 3),
    }
    detail = (
        f"{title}{f' ({backend})' if backend else ''}: {probe.size[0]}x{probe.size[1]}, "
        f"{probe.fps:.1f} frames a second, opens in {probe.open_seconds:.1f} s"
    )
    if probe.fps < SLOW_CAMERA:
        remedy = "more light: most cameras slow down in the dark; or try another USB port"
        return Finding("camera", "warn", detail, remedy, facts)
    if probe.open_seconds > SLOW_OPENING:
        return Finding("camera", "warn", detail, "update the camera's driver, or try another USB port", facts)
    return Finding("camera", "ok", detail, facts=facts)


def check_encoder(machine: Machine) -> Iterator[Finding]:
    """What writes videos for browsers."""
    try:
        encoder = machine.encoder()
    except (ImportError, OSError) as error:
        yield Finding("video", "fail", f"PyAV does not load: {error}", pip_install(machine))
        return
    if encoder is None:
        remedy = f"{Path(sys.executable).name} -m pip install --force-reinstall av"
        yield Finding("video", "warn", "no H.264 encoder: written videos do not play in browsers", remedy)
    else:
        yield Finding("video", "ok", f"H.264 by {encoder}", facts={"encoder": encoder})


def check_window(machine: Machine) -> Iterator[Finding]:
    """What the windows of `view` and `record` need."""
    try:
        machine.load("tkinter")
    except ImportError:
        remedy = {
            "linux": "sudo apt install python3-tk (Fedora: sudo dnf install python3-tkinter)",
            "darwin": "brew install python-tk",
        }.get(machine.system, "run Python's installer again and tick 'tcl/tk and IDLE'")
        yield Finding("window", "warn", "tkinter is missing: no window", f"{remedy}; or use --no-window")
    else:
        yield Finding("window", "ok", "tkinter")
    if machine.system in ("darwin", "win32"):
        return
    display = machine.environ.get("DISPLAY")
    if display:
        yield Finding("display", "ok", display)
    else:
        yield Finding(
            "display", "warn", "none (DISPLAY is not set)", "work on the desktop, or use --no-window"
        )


def check_disk(machine: Machine) -> Iterator[Finding]:
    """Room for models, datasets and caches."""
    try:
        cache = machine.cache()
    except OSError as error:
        yield Finding(
            "disk",
            "fail",
            f"cannot make the cache folder {error.filename}: {error.strerror}",
            "set HANDFLOW_CACHE to a folder that can be written",
        )
        cache = None
    except ImportError as error:
        yield Finding("disk", "warn", f"cannot find the cache folder: {error}", pip_install(machine))
        cache = None
    places = [("cache", cache), ("current folder", machine.work())]
    for name, folder in ((n, f) for n, f in places if f is not None):
        free = machine.disk_usage(folder).free / MEGABYTE
        facts = {"place": name, "folder": str(folder), "free_mb": round(free)}
        detail = f"{name} {folder}: {free / 1000:.1f} GB free"
        needed = 100  # the hand models and the demo's clips
        if not os.access(folder, os.W_OK):
            status: Status = "fail" if name == "cache" else "warn"
            remedy = (
                "set HANDFLOW_CACHE to a folder that can be written" if name == "cache" else "work elsewhere"
            )
            yield Finding("disk", status, f"{name} {folder} cannot be written", remedy, facts)
        elif free < needed:
            yield Finding("disk", "fail", detail, f"free at least {needed} MB", facts)
        elif free < 10 * needed:
            yield Finding("disk", "warn", detail, "datasets with pictures need about 1 MB a clip", facts)
        else:
            yield Finding("disk", "ok", detail, facts=facts)
