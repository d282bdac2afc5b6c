"""The checks of files, distributions and wheels name what is wrong, and only that."""

import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from needs import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import check_dist
import check_files
import check_wheels


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("docs/demo.png", b"\x89PNG" + bytes(1000), None),
        ("src/handflow/types.py", b"import enum\n", None),
        ("empty.py", b"", None),
        ("docs/demo.mp4", b"", "made when needed"),
        ("tests/data/clip.NPZ", b"PK", "made when needed"),
        ("src/handflow/hands/palm.tflite", b"", "fetched by the user"),
        ("src/handflow/hands/palm.bin", b"\x1c\0\0\0TFL3" + bytes(20), "TFLite"),
        ("docs/picture.png", bytes(2_000_001), "2.0 MB"),
    ],
)
def test_file_check_names_what_does_not_belong(name: str, content: bytes, word: str | None) -> None:
    line = check_files.complaint(name, content)
    if word is None:
        assert line is None
    else:
        assert line is not None
        assert name in line
        assert word in line


def write_wheel(path: Path, *, without: str = "", extra: dict[str, bytes] | None = None) -> Path:
    source = ROOT / "src"
    kinds = ("py", "toml", "html", "css", "js", "json", "svg", "onnx")
    parts = [p for kind in kinds for p in (source / "handflow").rglob(f"*.{kind}")]
    names = [p.relative_to(source).as_posix() for p in parts]
    names += ["handflow/py.typed"]
    names += [f"handflow-0.1.0.dist-info/licenses/{n}" for n in ("LICENSE", "THIRD_PARTY_NOTICES")]
    with zipfile.ZipFile(path, "w") as wheel:
        for name in names:
            if not without or not name.endswith(without):
                wheel.writestr(name, b"")
        for name, content in (extra or {}).items():
            wheel.writestr(name, content)
    return path


def test_whole_distribution_passes(tmp_path: Path) -> None:
    assert check_dist.complaints(write_wheel(tmp_path / "handflow.whl")) == []


@pytest.mark.parametrize(
    "name",
    [
        "handflow/types.py",
        "handflow/py.typed",
        "handflow/act/starters/slides.toml",
        "handflow/act/events.html",
        "handflow/studio/static/locales/de.json",
        "weights/encoders.onnx",
        "LICENSE",
    ],
)
def test_distribution_that_lacks_a_file_is_refused(tmp_path: Path, name: str) -> None:
    lines = check_dist.complaints(write_wheel(tmp_path / "handflow.whl", without=name))
    assert len(lines) == 1
    assert lines[0].startswith("handflow.whl lacks ")
    assert lines[0].endswith(name)


def test_distribution_with_the_hand_models_is_refused(tmp_path: Path) -> None:
    weights = {"handflow/hands/hand_landmark_full.tflite": b"\x1c\0\0\0TFL3"}
    lines = check_dist.complaints(write_wheel(tmp_path / "handflow.whl", extra=weights))
    assert len(lines) == 1
    assert "hand_landmark_full.tflite is fetched by the user" in lines[0]


def test_folder_without_both_distributions_is_refused(tmp_path: Path) -> None:
    write_wheel(tmp_path / "handflow.whl")
    with pytest.raises(SystemExit, match="expected one wheel and one sdist"):
        check_dist.main(tmp_path)


@pytest.mark.parametrize(
    ("target", "python", "expected"),
    [
        ("Windows x86_64", "3.11", ["colorama", "old-typing>=1"]),
        ("Windows x86_64", "3.13", ["colorama"]),
        ("macOS 14 arm64", "3.13", ["applekit<3"]),
        ("Linux aarch64, glibc 2.28", "3.12", []),
    ],
)
def test_conditional_requirements_are_read_for_the_target(
    target: str, python: str, expected: list[str]
) -> None:
    wanted = [
        'colorama; sys_platform == "win32"',
        'applekit<3; platform_system == "Darwin" and platform_machine == "arm64"',
        'old-typing>=1; python_version < "3.12" and os_name == "nt"',
        'pretty; extra == "pretty"',
        "Base_Package",
    ]
    packages: list[dict[str, Any]] = [
        {"metadata": {"name": "one", "requires_dist": wanted}},
        {"metadata": {"name": "base-package"}},
    ]
    found = next(t for t in check_wheels.TARGETS if t.name == target)
    assert check_wheels.only_there(packages, found, python) == expected


def test_every_core_dependency_is_looked_up() -> None:
    wanted = check_wheels.core_requirements()
    assert {"numpy", "av", "ai-edge-litert", "opencv-python-headless"} <= {w.split(">")[0] for w in wanted}
    assert not any(w.startswith("torch") for w in wanted)
