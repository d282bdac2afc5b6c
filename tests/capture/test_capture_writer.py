"""Written videos play in a browser, at true times, and are whole or absent."""

import os
import subprocess
import sys
import textwrap

import av
import numpy as np
import pytest
from capture_fakes import numbered, steady, write_video
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handflow.capture import VideoWriter, open_source
from handflow.capture import writer as writer_module
from handflow.capture.video import VideoSource
from handflow.errors import SourceError
from needs import need


def boxes(content):
    """The names of an MP4 file's outermost boxes, in order."""
    names, at = [], 0
    while at + 8 <= len(content):
        names.append(content[at + 4 : at + 8].decode())
        at += int.from_bytes(content[at : at + 4], "big")
    return names


def test_a_browser_can_play_it_while_it_still_loads(tmp_path):
    path = write_video(tmp_path / "v.mp4", steady(30))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec.name, stream.pix_fmt) == ("h264", "yuv420p")
    names = boxes(path.read_bytes())
    assert names.index("moov") < names.index("mdat")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(0.001, 3), min_size=1, max_size=12), st.floats(0, 2))
def test_times_are_kept_to_a_tick(tmp_path, steps, first):
    times = list(first + np.cumsum([0.0, *steps]))
    path = write_video(tmp_path / "v.mp4", times)
    with VideoSource(path) as source:
        assert [f.timestamp for f in source] == pytest.approx(times, abs=1.2e-5)


def test_without_a_start_the_video_begins_with_its_first_picture(tmp_path):
    with VideoWriter(tmp_path / "v.mp4", (64, 48)) as writer:
        for i in range(5):
            writer.write(numbered(i), 500 + i / 10)
    with VideoSource(tmp_path / "v.mp4") as source:
        assert [f.timestamp for f in source] == pytest.approx([i / 10 for i in range(5)], abs=2e-5)


@pytest.mark.parametrize("size", [(64, 48), (1280, 720)])
@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (225, 180, 150), (0, 0, 0)])
def test_colours_are_true(tmp_path, size, colour):
    with VideoWriter(tmp_path / "v.mp4", size) as writer:
        writer.write(np.full((size[1], size[0], 3), colour, np.uint8), 0.0)
    with VideoSource(tmp_path / "v.mp4") as source:
        assert np.abs(next(source).image[20:30, 20:30].mean((0, 1)) - colour).max() <= 3
    with av.open(str(tmp_path / "v.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (1, 1), "says BT.709 in limited range"


@pytest.mark.parametrize(("size", "becomes"), [((63, 47), (64, 48)), ((64, 47), (64, 48)), ((1, 1), (2, 2))])
def test_odd_sizes_grow_by_one(tmp_path, size, becomes):
    path = write_video(tmp_path / "v.mp4", steady(3), size=size)
    with VideoSource(path) as source:
        assert source.size == becomes
        assert len(list(source)) == 3


def test_a_picture_of_another_size_is_fitted_in(tmp_path):
    with VideoWriter(tmp_path / "v.mp4", (64, 48)) as writer:
        writer.write(np.full((200, 100, 3), 255, np.uint8), 0.0)
    with VideoSource(tmp_path / "v.mp4") as source:
        image = next(source).image
    assert image[24, 32].min() > 245
    assert image[24, 2].max() < 10


def test_an_error_leaves_nothing_behind(tmp_path):
    with pytest.raises(KeyError), VideoWriter(tmp_path / "v.mp4", (64, 48)) as writer:
        writer.write(numbered(0), 0.0)
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_the_video_of_before(tmp_path):
    path = write_video(tmp_path / "v.mp4", steady(3))
    before = path.read_bytes()
    with pytest.raises(KeyError), VideoWriter(path, (64, 48)) as writer:
        writer.write(numbered(0), 0.0)
        raise KeyError
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_ctrl_c_keeps_what_was_written(tmp_path):
    path = tmp_path / "v.mp4"
    with pytest.raises(KeyboardInterrupt), VideoWriter(path, (64, 48)) as writer:
        for i in range(4):
            writer.write(numbered(i), i / 10)
        raise KeyboardInterrupt
    with VideoSource(path) as source:
        assert len(list(source)) == 4


def test_without_a_picture_no_file_is_left(tmp_path):
    with VideoWriter(tmp_path / "v.mp4", (64, 48)):
        assert not (tmp_path / "v.mp4").exists()
    assert list(tmp_path.iterdir()) == []


def test_nothing_has_the_name_before_it_is_whole(tmp_path):
    path = tmp_path / "new folder" / "v.mp4"
    with VideoWriter(path, (64, 48)) as writer:
        writer.write(numbered(0), 0.0)
        assert not path.exists()
    assert [p.name for p in path.parent.iterdir()] == ["v.mp4"]


def test_the_file_may_be_read_by_whom_the_umask_allows(tmp_path):
    need(os.name == "posix", "permissions of POSIX")
    mask = os.umask(0o022)
    try:
        path = write_video(tmp_path / "v.mp4", steady(2))
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("times", [[0.0, 0.0], [1.0, 0.5], [0.0, 1e-6, 1e-6]])
def test_times_must_increase(tmp_path, times):
    with pytest.raises(ValueError, match="not after"), VideoWriter(tmp_path / "v.mp4", (64, 48)) as writer:
        for seconds in times:
            writer.write(numbered(0), seconds)


def test_times_closer_than_the_files_clock_can_tell_keep_their_order(tmp_path):
    path = write_video(tmp_path / "v.mp4", [0.0, 1e-6, 2e-6, 0.1])
    with open_source(path) as source:
        assert [round(frame.timestamp, 3) for frame in source] == [0.0, 0.0, 0.0, 0.1]


@pytest.mark.parametrize(("size", "fps"), [((0, 48), 30), ((64, 48), 0), ((64, 48), -1)])
def test_impossible_sizes_and_rates_are_refused(tmp_path, size, fps):
    with pytest.raises(ValueError, match="cannot write a video"):
        VideoWriter(tmp_path / "v.mp4", size, fps)
    assert list(tmp_path.iterdir()) == []


def test_another_ending_is_refused_with_those_that_serve(tmp_path):
    with pytest.raises(SourceError, match=r"v\.avi: name a file that ends in \.mp4"):
        VideoWriter(tmp_path / "v.avi", (64, 48))


def test_a_place_that_is_no_folder_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="cannot write"):
        VideoWriter(tmp_path / "file" / "v.mp4", (64, 48))
    (tmp_path / "dir.mp4").mkdir()
    with pytest.raises(SourceError, match="it is a folder"):
        VideoWriter(tmp_path / "dir.mp4", (64, 48))


def test_without_an_h264_encoder_it_says_so_and_writes_all_the_same(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(writer_module, "H264_ENCODERS", {"h264_of_nobody": {}})
    assert writer_module.h264_encoder() is None
    path = write_video(tmp_path / "v.mp4", steady(5))
    assert "no H.264 encoder" in caplog.text
    with open_source(path) as source:
        assert len(list(source)) == 5


def test_the_next_encoder_is_taken_where_the_best_is_missing(monkeypatch):
    monkeypatch.setattr(writer_module, "H264_ENCODERS", {"h264_of_nobody": {}, "libx264": {}})
    assert writer_module.h264_encoder() == "libx264"


def test_a_full_disk_is_an_oserror_and_leaves_nothing(tmp_path):
    need(sys.platform == "linux", "a limit on the size of files stands in for a full disk on Linux")
    program = f"""
        import resource, signal
        import numpy as np
        from handflow.capture import VideoWriter
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        rng = np.random.default_rng(0)
        try:
            with VideoWriter({str(tmp_path / "v.mp4")!r}, (320, 240)) as writer:
                for i in range(60):
                    writer.write(rng.integers(0, 255, (240, 320, 3)).astype(np.uint8), i / 30)
        except OSError as error:
            print(type(error).__name__, error.filename)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == f"OSError {tmp_path / 'v.mp4'}\n", done.stderr
    assert list(tmp_path.iterdir()) == []
