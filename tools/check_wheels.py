"""Checks that the core installs from wheels alone on every system and Python that handflow names.

Asks the package index that pip is set up with, downloads nothing but metadata and installs nothing:
`python tools/check_wheels.py [--constraints constraints.txt]` prints one line per system and Python and exits
with 1 where something is missing.

pip picks wheels of another platform (`--platform`), but reads conditions such as
`colorama; sys_platform == "win32"` with the eyes of the machine it runs on. They are therefore read here
again for the target, and what they add is asked for too.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.11", "3.12", "3.13")


@dataclass(frozen=True)
class Target:
    """A system that wheels are looked up for."""

    name: str
    platforms: tuple[str, ...]  # pip's --platform tags, all that the system accepts
    markers: dict[str, str]  # what environment markers say there
    supported: bool = True


def _linux(machine: str) -> Target:
    # glibc 2.28 is that of Debian 10, RHEL 8 and Ubuntu 20.04 (2.31); onnxruntime needs 2.27.
    tags = tuple(f"manylinux_2_{minor}_{machine}" for minor in range(28, 16, -1))
    older = (f"manylinux2014_{machine}", f"manylinux2010_{machine}", f"manylinux1_{machine}")
    markers = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    return Target(f"Linux {machine}, glibc 2.28", tags + older, markers | {"platform_machine": machine})


def _mac(machine: str, *, supported: bool) -> Target:
    markers = {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"}
    # macOS 14 is the oldest that the pinned onnxruntime has wheels for.
    return Target(
        f"macOS 14 {machine}", (f"macosx_14_0_{machine}",), markers | {"platform_machine": machine}, supported
    )


TARGETS = (
    _linux("x86_64"),
    _linux("aarch64"),
    Target(
        "Windows x86_64",
        ("win_amd64",),
        {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
    ),
    _mac("arm64", supported=True),
    _mac("x86_64", supported=False),
)


def core_requirements() -> list[str]:
    """What pyproject.toml names as handflow's own dependencies."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        dependencies: list[str] = tomllib.load(file)["project"]["dependencies"]
    return dependencies


def resolve(
    requirements: list[str], target: Target, python: str, constraints: Path | None
) -> tuple[list[dict[str, Any]], str]:
    """The packages pip would install on a target, or none and pip's reason."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
        command += ["--disable-pip-version-check", "--only-binary=:all:", "--implementation", "cp"]
        command += ["--target", folder, "--python-version", python, "--report", str(report)]
        command += [part for tag in target.platforms for part in ("--platform", tag)]
        command += ["--constraint", str(constraints)] if constraints else []
        done = subprocess.run(command + requirements, capture_output=True, text=True, check=False)
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            return [], errors[0].removeprefix("ERROR: ") if errors else done.stderr.strip()[-300:]
        return json.loads(report.read_text(encoding="utf-8"))["install"], ""


def only_there(packages: list[dict[str, Any]], target: Target, python: str) -> list[str]:
    """Requirements of these packages that hold on the target and are not among them."""
    have = {canonicalize_name(p["metadata"]["name"]) for p in packages}
    environment = target.markers | {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }
    more = []
    for package in packages:
        for text in package["metadata"].get("requires_dist", []):
            wanted = Requirement(text)
            here = wanted.marker is None or wanted.marker.evaluate(environment)
            if here and canonicalize_name(wanted.name) not in have:
                more.append(f"{wanted.name}{wanted.specifier}")
    return sorted(set(more))


def check(target: Target, python: str, constraints: Path | None) -> tuple[bool, str]:
    """Whether the core installs from wheels on a target, and one line on how or why not."""
    requirements = core_requirements()
    while True:
        packages, reason = resolve(requirements, target, python, constraints)
        if not packages:
            return False, reason
        more = [r for r in only_there(packages, target, python) if r not in requirements]
        if not more:
            break
        requirements += more
    return True, f"{len(packages)} wheels"


def main() -> None:
    """Prints the table; exits with 1 where a supported system lacks a wheel."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--constraints", type=Path, help="look for these pinned versions instead of the newest"
    )
    constraints: Path | None = parser.parse_args().constraints
    print(f"core wheels, {'versions of ' + str(constraints) if constraints else 'newest versions'}")
    missing = False
    for target in TARGETS:
        for python in PYTHONS:
            there, line = check(target, python, constraints)
            missing |= target.supported and not there
            word = "ok     " if there else "MISSING" if target.supported else "unsupported"
            print(f"  {target.name:27} {python:5} {word} {line}", flush=True)
    sys.exit("a supported system lacks wheels" if missing else 0)


if __name__ == "__main__":
    main()
