"""What a user may name as a source, and what an unknown one is answered with."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from capture_fakes import FakeCamera, numbered, steady, write_video

from handflow.capture import FramesSource, camera, open_source
from handflow.capture.camera import CameraSource
from handflow.capture.cameras import CameraInfo
from handflow.capture.folder import FolderSource
from handflow.capture.source import Source
from handflow.capture.video import PacedSource, VideoSource
from handflow.errors import SourceError
from handflow.types import Frame


@pytest.fixture
def fake_camera(monkeypatch):
    fake = FakeCamera(running=True)

    def make(index, **more):
        return CameraSource(index, opener=fake.open, cameras=list, **more)

    monkeypatch.setattr(camera, "CameraSource", make)
    return fake


@pytest.mark.parametrize(("spec", "index"), [(0, 0), ("2", 2), ("/dev/video3", 3), ("camera:1", 1)])
def test_a_number_is_a_camera(fake_camera, spec, index):
    with open_source(spec) as source:
        assert source.live
    assert [i for i, _ in fake_camera.opened] == [index]


def test_files_and_folders_are_told_apart(tmp_path):
    video = write_video(tmp_path / "v.mp4", steady(3))
    folder = tmp_path / "frames"
    folder.mkdir()
    cv2.imwrite(str(folder / "1.png"), numbered(1))
    for spec, kind in [(video, VideoSource), (str(video), VideoSource), (folder, FolderSource)]:
        with open_source(spec) as source:
            assert isinstance(source, kind)
            assert isinstance(source, Source)


def test_a_path_is_never_a_camera(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "v.mp4", steady(3)).rename(tmp_path / "0")
    from pathlib import Path

    with open_source(Path("0")) as source:
        assert isinstance(source, VideoSource)


def test_a_source_of_ones_own_is_returned_as_it_is(tmp_path):
    with VideoSource(write_video(tmp_path / "v.mp4", steady(3))) as mine:
        assert open_source(mine) is mine
        paced = open_source(mine, realtime=True)
        assert isinstance(paced, PacedSource)
        assert [f.index for f in paced][-1] == 2


def test_frames_made_by_a_program_are_a_source():
    frames = [Frame(numbered(i), i / 10, i) for i in range(4)]
    with open_source(iter(frames), fps=10) as source:
        assert isinstance(source, FramesSource)
        assert (source.size, source.fps, source.live) == ((64, 48), 10, False)
        assert [f.index for f in source] == [0, 1, 2, 3]
    with pytest.raises(SourceError, match="no picture"):
        open_source([])


@pytest.mark.parametrize("spec", ["nothing.mp4", "-1", "", "no/such/folder"])
def test_an_unknown_source_lists_what_is_known(spec):
    with pytest.raises(
        SourceError, match=r"a camera \(0\), a URL .* a folder of images .* a video file"
    ) as caught:
        open_source(spec)
    assert repr(spec) in str(caught.value)


def test_a_malformed_url_is_one_clear_line_without_its_password():
    with pytest.raises(SourceError, match="that is no URL") as caught:
        open_source("rtsp://me:secret@[::1/live")
    assert "secret" not in str(caught.value)


def test_an_unknown_kind_of_url_lists_the_known_ones():
    with pytest.raises(SourceError, match=r"ftp://host/v\.mp4: known kinds of URL are rtsp"):
        open_source("ftp://me:secret@host/v.mp4")


@pytest.mark.parametrize(("more", "says"), [({"size": (0, 10)}, "too small"), ({"fps": 0}, "impossible")])
def test_impossible_wishes_are_refused(more, says):
    with pytest.raises(SourceError, match=says):
        open_source("x.mp4", **more)


def test_a_folder_plays_at_its_own_pace_too(tmp_path):
    for i in range(5):
        cv2.imwrite(str(tmp_path / f"{i}.png"), numbered(i))
    with open_source(tmp_path, fps=50, realtime=True) as source:
        frames = list(source)
        assert len(frames) + source.dropped == 5
    assert np.diff([f.timestamp for f in frames]).min() > 0.01


def test_importing_the_room_loads_neither_opencv_nor_pyav():
    program = (
        "import sys, handflow.capture; print([m for m in ('cv2', 'av', 'numpy.random') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "cv2" not in done.stdout and "'av'" not in done.stdout


def test_camera_info_is_offered_by_the_room():
    from handflow import capture

    assert capture.CameraInfo is CameraInfo
    assert set(capture.__all__) <= {n for n in capture.__all__ if hasattr(capture, n)}
    with pytest.raises(AttributeError):
        _ = capture.nothing
