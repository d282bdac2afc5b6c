"""Checks of the system, Python and packages."""

import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from handflow import __version__
from handflow.doctor.machine import Finding, Machine

OPENCV_PACKAGES = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
MODULES: dict[str, str] = {  # package: the module that proves it works, where the name differs
    "opencv-python-headless": "cv2",
    "ai-edge-litert": "ai_edge_litert.interpreter",
}
TOLD_EXTRAS: dict[str, str] = {  # those a user may want, and what for
    "train": "train and evaluate models",
    "control": "press keys and move the mouse by gestures",
    "home": "send gestures to web services and to a home by MQTT",
    "music": "send gestures to music programs by OSC and MIDI",
    "serve": "let other programs listen with `handflow run --serve`",
    "studio": "teach, try and bind gestures in a browser with `handflow studio`",
}


def check_system(machine: Machine) -> Iterator[Finding]:
    """The operating system and Python."""
    version = ".".join(map(str, machine.python))
    name = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}.get(machine.system, machine.system)
    facts = {
        "system": machine.system,
        "processor": machine.processor,
        "python": version,
        "handflow": __version__,
    }
    if machine.system == "darwin" and machine.processor == "x86_64":
        yield Finding(
            "system",
            "fail",
            "macOS on an Intel processor",
            "use a Mac with Apple silicon, Linux or Windows",
            facts,
        )
    else:
        yield Finding("system", "ok", f"{name} on {machine.processor}, handflow {__version__}", facts=facts)
    if (3, 11) <= machine.python[:2] <= (3, 13):
        yield Finding("python", "ok", f"Python {version}")
    else:
        yield Finding(
            "python", "fail", f"Python {version}", "make an environment with Python 3.11, 3.12 or 3.13"
        )


@dataclass(frozen=True, slots=True)
class _Requirement:
    name: str
    bounds: str
    extra: str | None


def _requirements(machine: Machine) -> list[_Requirement]:
    parsed = []
    for line in machine.requires("handflow") or []:
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*\(?([^;)]*)\)?", line)
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", line)
        system = re.search(r"sys_platform\s*([!=]=)\s*['\"]([^'\"]+)", line)
        if system and (machine.system == system[2]) != (system[1] == "=="):
            continue  # not needed on this system
        if match and match[1].lower() != "handflow":
            parsed.append(_Requirement(match[1], match[2].strip(), extra[1] if extra else None))
    return parsed


def _within(version: str, bounds: str) -> bool:
    """Whether a version satisfies bounds such as `>=2.11,<2.14`.

    >>> _within("2.13.0+cpu", ">=2.11,<2.14"), _within("2.14.1", ">=2.11,<2.14"), _within("2", ">=2.0")
    (True, False, True)
    """

    def numbers(text: str) -> tuple[int, ...]:
        found = re.match(r"[0-9.]*", text)
        return tuple(int(p) for p in (found[0] if found else "").split(".") if p)

    have = numbers(version)
    for bound in filter(None, (b.strip() for b in bounds.split(","))):
        match = re.match(r"(>=|<=|==|<|>)\s*(.+)", bound)
        if match is None:
            continue
        want = numbers(match[2])
        width = max(len(have), len(want))
        a, b = have + (0,) * (width - len(have)), want + (0,) * (width - len(want))
        if not {">=": a >= b, "<=": a <= b, "==": a == b, "<": a < b, ">": a > b}[match[1]]:
            return False
    return True


def pip_install(machine: Machine, extra: str | None = None) -> str:
    """The command that completes this very installation."""
    what = "handflow"
    try:
        origin = json.loads(machine.installed_from() or "{}")
    except importlib.metadata.PackageNotFoundError:
        origin = {}
    if "dir_info" in origin:  # a source tree, perhaps editable: the index need not have it
        editable = "-e " if origin["dir_info"].get("editable") else ""
        what = url2pathname(urlsplit(origin["url"]).path)
    else:
        editable = ""
    name = f'"{what}[{extra}]"' if extra else f'"{what}"'
    return f"{Path(sys.executable).name} -m pip install {editable}{name}"


def check_packages(machine: Machine) -> Iterator[Finding]:
    """The packages that handflow cannot do without: there, recent enough, and they load."""
    for requirement in _requirements(machine):
        if requirement.extra is not None:
            continue
        name = requirement.name
        remedy = pip_install(machine)
        try:
            version = machine.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding("package", "fail", f"{name} is missing", remedy, {"package": name})
            continue
        facts = {"package": name, "version": version}
        if not _within(version, requirement.bounds):
            yield Finding("package", "fail", f"{name} {version}, needs {requirement.bounds}", remedy, facts)
            continue
        module = MODULES.get(name, name.replace("-", "_"))
        try:
            machine.load(module)
        except (ImportError, OSError) as error:
            again = f"{Path(sys.executable).name} -m pip install --force-reinstall {name}"
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            yield Finding("package", "fail", f"{name} {version} does not load: {why}", again, facts)
        else:
            yield Finding("package", "ok", f"{name} {version}", facts=facts)
    opencvs = [name for name in OPENCV_PACKAGES if _version_of(machine, name) is not None]
    if len(opencvs) > 1:
        python = Path(sys.executable).name
        yield Finding(
            "package",
            "warn",
            f"{len(opencvs)} OpenCV packages share one folder: {', '.join(opencvs)}",
            f"{python} -m pip uninstall -y {' '.join(opencvs)}; "
            f"{python} -m pip install --force-reinstall opencv-python-headless",
        )


def _version_of(machine: Machine, name: str) -> str | None:
    try:
        return machine.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _is_built(machine: Machine, name: str) -> bool:
    """Whether a package has no wheel here: true of evdev-binary 2.0.0 and python-rtmidi 1.5.8."""
    if name == "evdev-binary":
        return machine.processor != "x86_64"
    return name == "python-rtmidi" and machine.python >= (3, 13, 0)


def check_extras(machine: Machine) -> Iterator[Finding]:
    """Optional groups of packages, and the command that adds one."""
    for extra, purpose in TOLD_EXTRAS.items():
        wanted = [r for r in _requirements(machine) if r.extra == extra]
        if not wanted:
            continue  # an older installation, which does not know of it
        versions = {r.name: _version_of(machine, r.name) for r in wanted}
        missing = [r.name for r in wanted if not (v := versions[r.name]) or not _within(v, r.bounds)]
        facts = {"extra": extra, "packages": versions, "missing": missing}
        if missing:
            detail = f"'{extra}' lacks {', '.join(missing)}: needed to {purpose}"
            remedy = pip_install(machine, extra)
            if built := [name for name in missing if _is_built(machine, name)]:
                names = " and ".join(built)
                remedy += f"; {names} may be compiled here, for lack of a wheel: install a C++ compiler first"
                remedy += " (Debian: apt install g++ python3-dev)" if machine.system == "linux" else ""
            yield Finding("extra", "warn", detail, remedy, facts)
        else:
            listed = ", ".join(f"{name} {version}" for name, version in versions.items())
            yield Finding("extra", "ok", f"'{extra}': {listed}", facts=facts)


def check_gpu(machine: Machine) -> Iterator[Finding]:
    """A graphics processor for training; everything else runs without."""
    seen = ""
    try:
        listed = machine.run(["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"])
        seen = listed.strip().splitlines()[0] if listed.strip() else ""
    except (OSError, subprocess.SubprocessError):
        pass  # no NVIDIA driver: the usual case
    if _version_of(machine, "torch") is None:
        detail = f"{seen}; torch is not installed" if seen else "none; not needed but to train large models"
        yield Finding("gpu", "ok", detail, facts={"gpu": seen or None, "torch": False})
        return
    try:
        torch = machine.load("torch")
    except (ImportError, OSError) as error:
        remedy = pip_install(machine, "train")
        yield Finding("gpu", "warn", f"torch does not load: {error}", remedy, {"gpu": seen or None})
        return
    if torch.cuda.is_available():
        name = str(torch.cuda.get_device_name(0))
        yield Finding("gpu", "ok", f"{name}, used by torch", facts={"gpu": name, "torch": True})
    elif torch.backends.mps.is_available():
        yield Finding("gpu", "ok", "Apple GPU, used by torch", facts={"gpu": "mps", "torch": True})
    elif seen:
        yield Finding(
            "gpu",
            "warn",
            f"{seen}, but torch {torch.__version__} cannot use it: training runs on the processor",
            "install the CUDA build of torch: https://pytorch.org/get-started/locally",
            {"gpu": seen, "torch": False},
        )
    else:
        yield Finding(
            "gpu", "ok", "none; training runs on the processor", facts={"gpu": None, "torch": False}
        )
