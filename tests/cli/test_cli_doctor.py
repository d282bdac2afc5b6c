"""`handflow doctor`: each thing that can be broken is named with its remedy; exit 1 where it is necessary."""

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from handflow import doctor
from handflow.capture.cameras import CameraInfo, CameraProbe
from handflow.cli import doctor as command
from handflow.doctor import Machine, examine
from handflow.doctor.software import _within
from handflow.errors import ModelFileError, SourceError

VERSIONS = {
    "numpy": "2.4.6",
    "av": "18.1.0",
    "opencv-python-headless": "5.0.0.93",
    "torch": "2.13.0+cpu",
    "python-xlib": "0.33",
    "evdev-binary": "2.0.0",
    "pynput": "1.8.2",
}
REQUIRES = [
    "numpy>=2.0",
    "av>=14",
    "opencv-python-headless>=4.10",
    "torch<2.14,>=2.11; extra == 'train'",
    "pynput>=1.8; (sys_platform != 'linux') and extra == 'control'",
    "python-xlib>=0.33; (sys_platform == 'linux') and extra == 'control'",
    "handflow[train]; extra == 'dev'",
    'pytest>=8.3; extra == "dev"',
]


def no_gpu(command):
    raise FileNotFoundError(command[0])


def machine(tmp_path, *, versions=VERSIONS, **broken):
    """A machine on which all is well, but for what is named."""

    def version(name):
        if name not in versions:
            raise PackageNotFoundError(name)
        return versions[name]

    well = {
        "system": "linux",
        "processor": "x86_64",
        "python": (3, 12, 1),
        "environ": {"DISPLAY": ":0"},
        "requires": lambda name: REQUIRES,
        "version": version,
        "installed_from": lambda: None,
        "load": loading(),
        "models_absent": lambda: False,
        "find_models": lambda model="full": SimpleNamespace(source=Path("/models")),
        "has_lite": lambda: True,
        "time_hands": lambda models: 12.5,
        "list_cameras": lambda: [CameraInfo(0, "Good Cam", "V4L2")],
        "probe_camera": lambda index: CameraProbe(index, 0.4, (640, 480), 29.8),
        "encoder": lambda: "libx264",
        "cache": lambda: tmp_path,
        "work": lambda: tmp_path,
        "disk_usage": lambda path: SimpleNamespace(free=50e9),
        "run": no_gpu,
        "uinput": lambda: "writable",
    }
    return Machine(**(well | broken))


def trouble(tmp_path, **broken):
    return [f for f in examine(machine(tmp_path, **broken)) if f.status != "ok"]


def test_nothing_is_found_where_all_is_well(tmp_path):
    assert trouble(tmp_path) == []


def raising(error):
    def call(*args):
        raise error

    return call


def loading(trusted=True, **failing):
    def load(name):
        if name in failing:
            raise failing[name]
        return SimpleNamespace(
            cuda=SimpleNamespace(is_available=lambda: False),
            backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: False)),
            __version__="2.13.0+cpu",
            AXIsProcessTrusted=lambda: trusted,
        )

    return load


def without(name):
    return {k: v for k, v in VERSIONS.items() if k != name}


def lite_damaged(model="full"):
    if model == "lite":
        raise ModelFileError("/m: lite.tflite is damaged: delete it")
    return SimpleNamespace(source=Path("/models"))


SCENARIOS = {
    # name: (what is broken, area, status, words of the detail, words of the remedy)
    "old python": ({"python": (3, 10, 2)}, "python", "fail", "3.10.2", "3.11, 3.12 or 3.13"),
    "new python": ({"python": (3, 14, 0)}, "python", "fail", "3.14.0", "3.11, 3.12 or 3.13"),
    "intel mac": (
        {"system": "darwin", "processor": "x86_64"}, "system", "fail", "Intel", "Apple silicon",
    ),
    "package missing": ({"versions": without("av")}, "package", "fail", "av is missing", "pip install"),
    "package too old": (
        {"versions": VERSIONS | {"numpy": "1.26.4"}}, "package", "fail", "needs >=2.0", "pip install",
    ),
    "package broken": (
        {"load": loading(cv2=ImportError("libGL.so.1: cannot open\nmore"))},
        "package", "fail", "does not load: libGL.so.1: cannot open", "--force-reinstall",
    ),
    "two opencvs": (
        {"versions": VERSIONS | {"opencv-python": "4.10"}}, "package", "warn", "2 OpenCV", "uninstall",
    ),
    "extra missing": (
        {"versions": without("torch")}, "extra", "warn", "lacks torch", 'pip install "handflow[train]"',
    ),
    "extra too new": (
        {"versions": VERSIONS | {"torch": "2.14.0"}}, "extra", "warn", "lacks torch", "handflow[train]",
    ),
    "models not here": (
        {"models_absent": lambda: True}, "hand models", "warn", "not here yet", "handflow doctor --download",
    ),
    "models damaged": (
        {"find_models": raising(ModelFileError("/m: palm.tflite is damaged: delete it"))},
        "hand models", "fail", "palm.tflite is damaged", "delete it",
    ),
    "lite model damaged": (
        {"find_models": lite_damaged}, "hand models", "warn", "lite.tflite is damaged", "delete it",
    ),
    "engine broken": (
        {"time_hands": raising(ImportError("no litert"))}, "hand models", "fail", "no litert", "pip install",
    ),
    "no camera": ({"list_cameras": list}, "camera", "warn", "none found", "plug one in"),
    "no permission": (
        {"list_cameras": lambda: [CameraInfo(0, "Cam", "V4L2", "no permission: add yourself")]},
        "camera", "warn", "0 Cam: no permission", "add yourself",
    ),
    "camera held": (
        {"probe_camera": raising(SourceError("camera 0 does not open: close other programs"))},
        "camera", "warn", "does not open", "close other programs",
    ),
    "camera slow": (
        {"probe_camera": lambda i: CameraProbe(i, 0.4, (640, 480), 7.5)},
        "camera", "warn", "7.5 frames a second", "more light",
    ),
    "camera slow to open": (
        {"probe_camera": lambda i: CameraProbe(i, 14.0, (640, 480), 30.0)},
        "camera", "warn", "opens in 14.0 s", "driver",
    ),
    "mac does not list": (
        {"system": "darwin", "processor": "arm64", "list_cameras": list,
         "probe_camera": raising(SourceError("camera 0 does not open: allow your terminal"))},
        "camera", "warn", "camera 0 does not open", "allow your terminal",
    ),
    "no encoder": ({"encoder": lambda: None}, "video", "warn", "no H.264 encoder", "av"),
    "no tkinter": (
        {"load": loading(tkinter=ImportError("no _tkinter"))}, "window", "warn", "tkinter", "python3-tk",
    ),
    "no display": ({"environ": {}}, "display", "warn", "none", "--no-window"),
    "wayland without permission": (
        {"environ": {"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, "uinput": lambda: "forbidden"},
        "control", "warn", "x11 (XTest on :0; reaches X windows only", 'TAG+="uaccess"',
    ),
    "no way to press keys": (
        {"environ": {"WAYLAND_DISPLAY": "wayland-0"}, "uinput": lambda: "absent"},
        "control", "warn", "DISPLAY is not set, and /dev/uinput does not exist", "modprobe uinput",
    ),
    "xlib broken": (
        {"load": loading(Xlib=ImportError("No module named 'six'"))},
        "control", "warn", "python-xlib does not load: No module named 'six'", "handflow[control]",
    ),
    "mac does not trust": (
        {"system": "darwin", "processor": "arm64", "load": loading(trusted=False)},
        "control", "warn", "macOS does not let this program press keys", "Accessibility",
    ),
    "control missing": (
        {"versions": without("python-xlib")},
        "extra", "warn", "'control' lacks python-xlib", "handflow[control]",
    ),
    "gpu unused": (
        {"run": lambda command: "NVIDIA H200, 143771 MiB\n"}, "gpu", "warn", "NVIDIA H200", "CUDA build",
    ),
    "disk full": (
        {"disk_usage": lambda p: SimpleNamespace(free=5e6)}, "disk", "fail", "0.0 GB free", "free at least",
    ),
    "disk short": (
        {"disk_usage": lambda p: SimpleNamespace(free=5e8)}, "disk", "warn", "0.5 GB free", "1 MB a clip",
    ),
    "cache not writable": (
        {"cache": raising(PermissionError(13, "Permission denied", "/cache"))},
        "disk", "fail", "/cache: Permission denied", "HANDFLOW_CACHE",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_trouble_is_named_with_its_remedy(tmp_path, name):
    broken, area, status, detail, remedy = SCENARIOS[name]
    found = [f for f in trouble(tmp_path, **broken) if f.area == area]
    assert found, "not noticed"
    assert {f.status for f in found} == {status}
    assert detail in found[0].detail and remedy in found[0].remedy
    assert "\n" not in found[0].detail + found[0].remedy


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_trouble_stays_where_it_is(tmp_path, name):
    """One broken thing neither hides another nor ends the examination."""
    broken, area, *_ = SCENARIOS[name]
    related = {"no way to press keys": {"control", "display"}}.get(name, {area})
    assert {f.area for f in trouble(tmp_path, **broken)} == related


def test_missing_packages_do_not_end_the_examination(tmp_path):
    gone = raising(ImportError("No module named 'cv2'"))
    asked = ("models_absent", "find_models", "has_lite", "list_cameras", "encoder", "cache", "load")
    found = trouble(tmp_path, **dict.fromkeys(asked, gone))
    areas = {"package", "hand models", "camera", "video", "window", "control", "gpu", "disk"}
    assert areas == {f.area for f in found}
    assert all(f.remedy for f in found)


def test_a_camera_is_told_with_all_that_was_measured(tmp_path):
    (camera,) = [f for f in examine(machine(tmp_path)) if f.area == "camera"]
    assert camera.facts == {
        "index": 0,
        "name": "Good Cam",
        "backend": "V4L2",
        "fps": 29.8,
        "width": 640,
        "height": 480,
        "open_seconds": 0.4,
    }
    for part in ("0 Good Cam", "V4L2", "640x480", "29.8 frames a second", "opens in 0.4 s"):
        assert part in camera.detail


@pytest.mark.parametrize(
    ("broken", "by", "detail"),
    [
        ({}, "x11", "keys and mouse by x11 (XTest on :0)"),
        ({"environ": {}}, "uinput", "keys and mouse by uinput (a virtual US keyboard by /dev/uinput)"),
        ({"system": "win32"}, "system", "keys and mouse by system (pynput on Windows)"),
        ({"versions": without("python-xlib")}, "x11", "once the extra 'control' is here"),
    ],
)
def test_the_way_to_press_keys_is_told(tmp_path, broken, by, detail):
    (control,) = [f for f in examine(machine(tmp_path, **broken)) if f.area == "control"]
    assert control.status == "ok" and control.facts["by"] == by and detail in control.detail


def test_an_extra_wants_what_this_system_needs(tmp_path):
    for system, package in (("linux", "python-xlib"), ("win32", "pynput")):
        found = examine(machine(tmp_path, system=system))
        (control,) = [f for f in found if f.facts.get("extra") == "control"]
        assert list(control.facts["packages"]) == [package]


@pytest.mark.parametrize(
    ("processor", "python", "built"),
    [
        ("x86_64", (3, 12, 1), None),
        ("aarch64", (3, 12, 1), "evdev-binary"),
        ("x86_64", (3, 13, 0), "python-rtmidi"),
    ],
)
def test_what_is_compiled_here_is_told_with_the_compiler(tmp_path, processor, python, built):
    requires = [
        "evdev-binary>=1.9; sys_platform == 'linux' and extra == 'control'",
        "python-rtmidi>=1.5.8; extra == 'music'",
    ]
    given = {"processor": processor, "python": python, "requires": lambda name: requires, "versions": {}}
    remedies = [f.remedy for f in examine(machine(tmp_path, **given)) if f.facts.get("extra")]
    assert len(remedies) == 2
    told = [remedy.partition("; ")[2] for remedy in remedies if "; " in remedy]
    assert [words.split()[0] for words in told] == ([built] if built else [])
    assert all("may be compiled here" in words and "compiler first (Debian: " in words for words in told)


def test_one_held_camera_does_not_hide_the_other(tmp_path):
    cameras = [CameraInfo(0, "Held", "V4L2"), CameraInfo(2, "Free", "V4L2")]

    def probe(index):
        if index == 0:
            raise SourceError("camera 0 does not open: close other programs")
        return CameraProbe(index, 0.3, (1280, 720), 30.0)

    found = examine(machine(tmp_path, list_cameras=lambda: cameras, probe_camera=probe))
    assert [(f.facts["index"], f.status) for f in found if f.area == "camera"] == [(0, "warn"), (2, "ok")]


@pytest.mark.parametrize(
    ("origin", "says"),
    [
        (None, 'pip install "handflow[train]"'),
        (
            {"url": "file:///src/hand%20flow", "dir_info": {"editable": True}},
            'pip install -e "/src/hand flow[train]"',
        ),
        ({"url": "file:///src/x", "dir_info": {}}, 'pip install "/src/x[train]"'),
        ({"url": "file:///x/handflow.whl", "archive_info": {}}, 'pip install "handflow[train]"'),
    ],
)
def test_the_command_for_an_extra_fits_the_installation(tmp_path, origin, says):
    if origin and sys.platform == "win32":
        pytest.skip("POSIX paths")
    written = None if origin is None else json.dumps(origin)
    (extra,) = trouble(tmp_path, versions=without("torch"), installed_from=lambda: written)
    assert says in extra.remedy


@pytest.mark.parametrize(
    ("version", "bounds", "fits"),
    [
        ("2.13.0+cpu", "<2.14,>=2.11", True),
        ("2.14.0", "<2.14,>=2.11", False),
        ("2.9", ">=2.11", False),
        ("14", ">=14", True),
        ("14.0.0", "<=14", True),
        ("3.0rc1", ">=3", True),
        ("1.0", "", True),
    ],
)
def test_versions_are_compared_as_numbers(version, bounds, fits):
    assert _within(version, bounds) is fits


def run_with(monkeypatch, found, *arguments):
    monkeypatch.setattr(doctor, "examine", lambda **more: examine(found, **more))
    return CliRunner().invoke(command.app, list(arguments))


def test_exit_0_and_the_findings_where_the_main_way_works(tmp_path, monkeypatch):
    result = run_with(monkeypatch, machine(tmp_path, list_cameras=list, environ={}))
    assert result.exit_code == 0
    assert "handflow works here" in result.stdout
    assert "plug one in" in result.stdout


def test_exit_1_where_something_necessary_is_broken(tmp_path, monkeypatch):
    broken = machine(tmp_path, find_models=raising(ModelFileError("[x] is damaged: delete it")))
    result = run_with(monkeypatch, broken)
    assert result.exit_code == 1
    assert "[x] is damaged" in result.stdout, "brackets are text, not markup"
    assert "1 broken" in result.stdout


@pytest.mark.parametrize("name", ["no camera", "models damaged"])
def test_json_is_one_document_with_every_finding(tmp_path, monkeypatch, name):
    broken, area, status, *_ = SCENARIOS[name]
    result = run_with(monkeypatch, machine(tmp_path, **broken), "--json")
    document = json.loads(result.stdout)
    assert document["ok"] is (status != "fail")
    assert result.exit_code == (0 if document["ok"] else 1)
    (finding,) = [f for f in document["findings"] if f["area"] == area]
    assert finding["status"] == status and finding["detail"] and finding["remedy"]
    assert {"system", "package", "extra", "hand models", "camera", "disk", "gpu"} <= {
        f["area"] for f in document["findings"]
    }


def test_cameras_can_be_left_alone(tmp_path, monkeypatch):
    untouched = machine(tmp_path, list_cameras=raising(AssertionError("looked")))
    result = run_with(monkeypatch, untouched, "--no-cameras", "--json")
    assert "camera" not in {f["area"] for f in json.loads(result.stdout)["findings"]}


def test_download_fetches_the_models_first(tmp_path, monkeypatch):
    from handflow.hands import models

    fetched = []
    monkeypatch.setattr(models, "fetch_hand_models", lambda **more: fetched.append(more))
    run_with(monkeypatch, machine(tmp_path), "--download", "--json")
    assert fetched == [{"quiet": True}]


def test_a_missing_lite_model_is_told_and_no_trouble(tmp_path):
    assert not trouble(tmp_path, has_lite=lambda: False)
    (models,) = [f for f in examine(machine(tmp_path, has_lite=lambda: False)) if f.area == "hand models"]
    assert models.facts["lite"] is False and "no lite" in models.detail


def test_this_machine_is_examined(hand_models):
    """The real thing, on whatever machine the tests run."""
    done = subprocess.run(
        [sys.executable, "-m", "handflow", "doctor", "--json"],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    document = json.loads(done.stdout)
    assert (done.returncode == 0) is document["ok"], done.stderr
    models = next(f for f in document["findings"] if f["area"] == "hand models")
    assert models["verified"] is True and models["milliseconds"] > 0
    packages = {
        f["package"]: f["status"] for f in document["findings"] if f["area"] == "package" and "package" in f
    }
    assert packages["numpy"] == packages["opencv-python-headless"] == packages["av"] == "ok"
