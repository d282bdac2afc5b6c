"""Which cameras there are, and why one does not open."""

import json
import os
import subprocess
import sys
import types

import pytest

from handflow.capture import cameras
from handflow.capture.cameras import CameraInfo, list_cameras, why_not_opened
from needs import need


@pytest.fixture
def linux(tmp_path, monkeypatch):
    """Folders in the form of Linux' own, with a function that adds a camera node."""
    need(os.name == "posix", "device nodes of POSIX")
    sysfs, dev = tmp_path / "sys", tmp_path / "dev"
    sysfs.mkdir()
    dev.mkdir()
    monkeypatch.setattr(cameras, "SYSFS", sysfs)
    monkeypatch.setattr(cameras, "DEV", dev)
    capturing = {}
    monkeypatch.setattr(cameras, "_captures", lambda node: capturing[node.name])
    denied = set()
    monkeypatch.setattr(cameras.os, "access", lambda node, mode: node.name not in denied)

    def add(number, name="Good Cam", *, index=0, captures=True, node=True, allowed=True):
        folder = sysfs / f"video{number}"
        folder.mkdir()
        (folder / "name").write_text(f"{name}\n")
        (folder / "index").write_text(f"{index}\n")
        capturing[f"video{number}"] = captures
        if node:
            (dev / f"video{number}").touch()
        if not allowed:
            denied.add(f"video{number}")

    return add


def test_cameras_have_number_and_name_and_metadata_nodes_are_left_out(linux):
    linux(10, "Second Cam")
    linux(0)
    linux(1, index=1, captures=False)
    assert list_cameras("linux") == [CameraInfo(0, "Good Cam", "V4L2"), CameraInfo(10, "Second Cam", "V4L2")]


def test_denied_permission_names_the_group(linux):
    linux(0, allowed=False)
    linux(1, index=1, allowed=False)
    (camera,) = list_cameras("linux")
    assert "group 'video'" in camera.problem and "usermod -aG video" in camera.problem
    assert "group 'video'" in why_not_opened(0, "linux")


def test_a_container_without_the_device_is_told_how_to_get_it(linux):
    linux(0, node=False)
    (camera,) = list_cameras("linux")
    assert "--device" in camera.problem


def test_a_node_is_asked_for_what_it_gives_and_counts_where_it_does_not_say(tmp_path):
    need(sys.platform == "linux", "Video4Linux")
    node = tmp_path / "video0"
    node.touch()
    assert cameras._captures(node), "a file answers no device's question"
    assert cameras._captures(tmp_path / "gone")


@pytest.mark.parametrize(
    ("capabilities", "device", "captures"),
    [
        (0x84A00001, 0x04200001, True),
        (0x84A00001, 0x04A00000, False),
        (0x05000001, 0, True),
        (0x1000, 0, True),
    ],
    ids=["webcam", "its metadata node", "old driver", "multi-planar"],
)
def test_the_drivers_answer_is_read(tmp_path, monkeypatch, capabilities, device, captures):
    need(sys.platform == "linux", "Video4Linux")
    import fcntl
    import struct

    def answer(handle, request, buffer):
        assert request == 0x80685600 and len(buffer) == 104
        struct.pack_into("<II", buffer, 84, capabilities, device)

    monkeypatch.setattr(fcntl, "ioctl", answer)
    node = tmp_path / "video0"
    node.touch()
    assert cameras._captures(node) is captures


def test_no_camera_at_all_is_an_empty_list(linux):
    assert list_cameras("linux") == []
    assert "and no other" in why_not_opened(0, "linux")


@pytest.mark.parametrize(
    ("system", "says"),
    [
        ("darwin", "Privacy & Security → Camera"),
        ("win32", "Settings → Privacy → Camera"),
        ("linux", "close other programs"),
    ],
)
def test_the_reason_is_told_in_the_systems_own_words(system, says):
    line = why_not_opened(0, system, [CameraInfo(0, "Good Cam", "x")])
    assert says in line and "0 (Good Cam)" in line and "\n" not in line


def test_macs_cameras_come_in_opencvs_order():
    listed = {
        "SPCameraDataType": [
            {"_name": "Phone", "spcamera_unique-id": "Z9"},
            {"_name": "FaceTime", "spcamera_unique-id": "A1"},
        ]
    }

    def run(command, **more):
        return subprocess.CompletedProcess(command, 0, stdout=json.dumps(listed).encode())

    assert cameras._mac_names(run) == ["FaceTime", "Phone"]


@pytest.mark.parametrize("trouble", [OSError(), subprocess.TimeoutExpired("x", 1), "not json", "{}"])
def test_a_mac_that_does_not_say_has_an_empty_list(trouble):
    def run(command, **more):
        if isinstance(trouble, Exception):
            raise trouble
        return subprocess.CompletedProcess(command, 0, stdout=trouble.encode())

    assert cameras._mac_names(run) == []


def test_windows_cameras_come_as_directshow_counts_them(monkeypatch):
    import av

    devices = [
        types.SimpleNamespace(name="@device_pnp_1", description="Good Cam", media_types=["video"]),
        types.SimpleNamespace(name="@device_cm_2", description="Microphone", media_types=["audio"]),
        types.SimpleNamespace(name="Old Cam", description="", media_types=[]),
    ]
    monkeypatch.setattr(av, "enumerate_input_devices", lambda kind: devices)
    assert list_cameras("win32") == [
        CameraInfo(0, "Good Cam", "DirectShow"),
        CameraInfo(1, "Old Cam", "DirectShow"),
    ]


def test_a_windows_that_does_not_say_has_an_empty_list(monkeypatch):
    import av

    monkeypatch.delattr(av, "enumerate_input_devices")
    assert list_cameras("win32") == []


def test_an_unknown_system_takes_what_opencv_takes():
    assert cameras.backend("plan9")[0] == "any"
    assert list_cameras("plan9") == []
