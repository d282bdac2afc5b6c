"""What a check asks of a machine, and what it answers with."""

import importlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from handflow.act.inject.choice import Access
    from handflow.hands.models import HandModel

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    area: str
    status: Status
    detail: str
    remedy: str = ""  # what to do where it is not ok
    facts: Mapping[str, Any] = field(default_factory=dict)  # the same for programs


def _open_capture_list() -> list[Any]:
    from handflow.capture.cameras import list_cameras

    return list(list_cameras())


def _probe(index: int) -> Any:
    from handflow.capture.cameras import probe_camera

    return probe_camera(index)


def _find_models(model: "HandModel" = "full") -> Any:
    from handflow.hands.models import find_hand_models

    return find_hand_models(model=model, download=False)


def _has_lite() -> bool:
    """Whether the lite landmark model, which nothing needs that is not asked to use it, is at hand."""
    from handflow.hands.models import has_hand_model

    return has_hand_model("lite")


def _models_absent() -> bool:
    """Whether the models simply were not fetched yet, which the first use does."""
    from handflow.hands import models

    if os.environ.get(models.PATH_VARIABLE):
        return False
    folder = _cache() / "hand-models"
    return not any((folder / m.name).exists() for m in (models.PALM, models.LANDMARK))


def _time_hands(models: Any) -> float:
    """Milliseconds to look for hands in a picture without one."""
    import numpy as np

    from handflow.hands import HandLandmarker
    from handflow.types import Frame

    landmarker = HandLandmarker(models=models)
    picture = np.full((240, 320, 3), 127, np.uint8)
    landmarker.update(Frame(picture, 0.0, 0))  # the first call sets up the network
    started = time.perf_counter()
    for i in range(1, 6):
        landmarker.update(Frame(picture, i / 30, i))
    return (time.perf_counter() - started) / 5 * 1000


def _cache() -> Path:
    from handflow.places import cache_dir

    return cache_dir()


def _encoder() -> str | None:
    from handflow.capture.writer import h264_encoder

    return h264_encoder()


def _uinput() -> "Access":
    from handflow.act.inject.choice import uinput_access

    return uinput_access()


def _run(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout


def _installed_from() -> str | None:
    return importlib.metadata.distribution("handflow").read_text("direct_url.json")


@dataclass(frozen=True)
class Machine:
    """All that checks ask of a machine."""

    system: str = sys.platform
    processor: str = field(default_factory=platform.machine)
    python: tuple[int, int, int] = field(default_factory=lambda: sys.version_info[:3])
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    requires: Callable[[str], list[str] | None] = importlib.metadata.requires
    version: Callable[[str], str] = importlib.metadata.version
    installed_from: Callable[[], str | None] = _installed_from
    load: Callable[[str], Any] = importlib.import_module
    models_absent: Callable[[], bool] = _models_absent
    find_models: Callable[..., Any] = _find_models
    has_lite: Callable[[], bool] = _has_lite
    time_hands: Callable[[Any], float] = _time_hands
    list_cameras: Callable[[], list[Any]] = _open_capture_list
    probe_camera: Callable[[int], Any] = _probe
    encoder: Callable[[], str | None] = _encoder
    cache: Callable[[], Path] = _cache
    work: Callable[[], Path] = Path.cwd
    disk_usage: Callable[[Path], Any] = shutil.disk_usage
    run: Callable[[list[str]], str] = _run
    uinput: Callable[[], "Access"] = _uinput
