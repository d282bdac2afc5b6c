"""What holds for the package as a whole: what it imports, carries, and says of itself."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import handflow
from needs import ROOT, need

PACKAGE = ROOT / "src" / "handflow"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
GROUND = {
    "types",
    "errors",
    "atomic",
    "places",
    "processes",
    "npz",
    "extras",
    "loopback",
    "",
}  # what every room stands on; "" is handflow itself (its version)
MODULES = sorted(PACKAGE.rglob("*.py"))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def run_python(code: str) -> str:
    """The standard output of a fresh interpreter that runs `code`."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file imports anywhere, also inside functions and for types alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            # `from handflow import hands` imports the room hands, `from handflow import __version__` none
            for alias in node.names:
                inner = PACKAGE.parent.joinpath(*(node.module or "").split("."), alias.name)
                is_module = inner.is_dir() or inner.with_suffix(".py").is_file()
                yield f"{node.module}.{alias.name}" if is_module else str(node.module)


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def allowed_rooms() -> dict[str, set[str]]:
    """What each room may import, as the table in docs/architecture.md says."""
    rows = re.findall(r"^\| (`[^|]+`) \|[^|]*\| ([^|]+) \|$", text("docs/architecture.md"), re.MULTILINE)
    named = [(re.findall(r"`(\w+)`", rooms), may.strip()) for rooms, may in rows]
    everything = {room for rooms, _ in named for room in rooms}
    allowed: dict[str, set[str]] = {}
    for rooms, may in named:
        if may == "nothing of ours":
            granted = set()
        elif may == "all above":
            granted = set(allowed)
        elif may == "all":
            granted = everything
        elif may.startswith("all but "):
            granted = everything - set(re.findall(r"\w+", may.removeprefix("all but ")))
        else:
            granted = set(re.findall(r"\w+", may))
        allowed |= dict.fromkeys(rooms, granted)
    return allowed


ALLOWED = allowed_rooms()


ROOMS = sorted({room_of(module_name(path)) for path in MODULES} - {"", "__main__"})


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_one_way_between_rooms(room: str) -> None:
    assert room in ALLOWED or room in GROUND, f"the table in docs/architecture.md does not name '{room}'"
    allowed = {room} | GROUND | ALLOWED.get(room, set())
    inside = [path for path in MODULES if room_of(module_name(path)) == room]
    forbidden = [
        f"{module_name(path)} imports {module}"
        for path in inside
        for module in imports_of(path)
        if module.split(".")[0] == "handflow" and room_of(module) not in allowed
    ]
    assert inside
    assert not forbidden


def test_torch_is_imported_by_train_alone() -> None:
    importing = {
        room_of(module_name(path))
        for path in MODULES
        if {module.split(".")[0] for module in imports_of(path)} & {"torch", "lightning", "pytorch_lightning"}
    }
    assert importing == {"train"}


def test_help_imports_nothing_heavy() -> None:
    code = """
import json, sys
from handflow.cli import main
sys.argv = ["handflow", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("\\n" + json.dumps(sorted(sys.modules)))
"""
    loaded = {name.split(".")[0] for name in json.loads(run_python(code).splitlines()[-1])}
    heavy = {
        "torch",
        "cv2",
        "numpy",
        "av",
        "onnxruntime",
        "ai_edge_litert",
        "matplotlib",
        "sklearn",
        "tkinter",
    }
    assert "typer" in loaded
    assert not loaded & heavy


def test_live_path_works_where_torch_cannot_be_imported() -> None:
    rooms = ("capture", "hands", "recognize", "live")
    modules = [module_name(p) for p in MODULES if room_of(module_name(p)) in rooms]
    code = f"""
import importlib, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "lightning"):
            raise ImportError(name + " was asked for on the live path")
sys.meta_path.insert(0, Absent())
for name in {modules!r} + ["handflow.cli.run"]:
    importlib.import_module(name)
assert not {{"torch", "lightning", "handflow.train"}} & set(sys.modules)
print("live")
"""
    assert run_python(code).split()[-1] == "live"


def test_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_version_is_the_same_everywhere() -> None:
    newest = re.search(r"^## \[([^\]]+)\]", text("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == handflow.__version__ == distribution("handflow").version


def here(requirements: list[str]) -> list[Requirement]:
    """Those that hold on this system, handflow itself left out."""
    found = [Requirement(text) for text in requirements]
    return [r for r in found if r.name != "handflow" and (r.marker is None or r.marker.evaluate())]


def declared() -> list[Requirement]:
    return here(
        [*PROJECT["dependencies"], *(r for e in PROJECT["optional-dependencies"].values() for r in e)]
    )


@pytest.mark.parametrize("wanted", declared(), ids=lambda r: r.name)
def test_constraints_pin_a_version_within_each_range(wanted: Requirement) -> None:
    pins = [line for line in text("constraints.txt").splitlines() if line and not line.startswith("#")]
    pinned = {canonicalize_name(name): version for name, version in (line.split("==") for line in pins)}
    version = pinned.get(canonicalize_name(wanted.name))
    assert version is not None, "run 'make constraints'"
    assert "+" not in version, "a local version exists on one machine alone"
    assert version in wanted.specifier


def test_torch_has_one_range() -> None:
    torch = next(r for r in PROJECT["optional-dependencies"]["train"] if r.startswith("torch"))
    for name in ("Makefile", ".github/workflows/ci.yml", "CONTRIBUTING.md"):
        ranges = set(re.findall(r'"(torch[<>=][^"]*)"', text(name)))
        assert ranges == {torch}, name


def test_ci_installs_every_program_that_a_test_asks_for() -> None:
    tests = [
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)
    ]
    asked = {name for code in tests for name in re.findall(r"apt install ([\w-]+)", code)}
    asked |= {name for code in tests for name in re.findall(r'program\("[\w-]+", "([\w-]+)"\)', code)}
    asked -= {"python3-tk", "espeak-ng"}  # installed where it is missing; what handflow itself advises
    installed = re.search(r'^PROGRAMS="(.*)"$', text(".ci/run"), re.MULTILINE)
    assert installed is not None
    assert asked
    assert asked <= {*installed[1].split()}
    hosted = installed[1].removesuffix(" chromium")  # is there already, and no package of Ubuntu's
    assert hosted in text(".github/workflows/ci.yml")


def installed_with(requirement: Requirement, seen: set[str]) -> set[str]:
    """Names of all packages that a requirement brings along on this machine."""
    for extra in ("", *requirement.extras):
        key = f"{canonicalize_name(requirement.name)}[{extra}]"
        if key in seen:
            continue
        seen.add(key)
        for line in requires(requirement.name) or []:
            further = Requirement(line)
            if further.marker is None or further.marker.evaluate({"extra": extra}):
                installed_with(further, seen)
    return {key.split("[")[0] for key in seen}


def test_notices_name_every_package_that_comes_along() -> None:
    seen: set[str] = set()
    tools = {r.name for r in here(PROJECT["optional-dependencies"]["dev"])}
    for requirement in declared():
        if requirement.name not in tools:
            installed_with(requirement, seen)
    names = {key.split("[")[0] for key in seen if not key.startswith(("nvidia-", "cuda-", "triton"))}
    named = {
        canonicalize_name(word)
        for word in re.findall(r"^  (\S+)  ", text("THIRD_PARTY_NOTICES"), re.MULTILINE)
    }
    assert len(names) > 40
    assert not names - named


def project_files() -> list[Path]:
    """The files that belong to the project, as far as a checkout tells."""
    need(
        (ROOT / ".git").exists(),
        "this is no checkout, so nothing says which files belong to it",
        optional=True,
    )
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def test_repository_holds_no_data_weights_or_large_files() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    from check_files import complaint

    files = project_files()
    assert len(files) > 50
    assert not [line for p in files if (line := complaint(p.relative_to(ROOT).as_posix(), p.read_bytes()))]


def test_no_file_names_a_folder_or_an_index_of_one_machine() -> None:
    telling = re.compile(
        r"(?<![\w.~])/(?:work|root|home|Users)/\w"  # absolute paths of somebody
        r"|[A-Z]:\\\\?Users"
        r"|index-url[= ]+[\"']?(?:https?|file):"  # hosts that packages come from
        r"|find-links[= ]"
    )
    found = []
    for path in project_files():
        if path.suffix in (".png", ".jpg", ".gif", ".onnx"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if telling.search(line) and path != Path(__file__):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not found
