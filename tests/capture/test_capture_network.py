"""Network cameras: newest frame, time-outs, reconnecting; finished recordings are read like files."""

import itertools

import numpy as np
import pytest
from capture_fakes import steady, wait_until, write_video
from capture_servers import MjpegCamera, RtspCamera, closed_port, files

from handflow.capture import network, open_source
from handflow.capture.live import LiveConfig
from handflow.capture.network import NetworkFeed, NetworkSource, is_url, without_secrets
from handflow.capture.video import VideoSource
from handflow.errors import SourceError

QUICK = LiveConfig(first_wait=0.02, longest_wait=0.05, close_wait=0.5)


def test_a_recording_on_a_server_is_read_whole_like_a_file(tmp_path):
    path = write_video(tmp_path / "v.mp4", steady(40))
    with files(tmp_path) as port, open_source(f"http://127.0.0.1:{port}/v.mp4") as source:
        assert isinstance(source, VideoSource)
        assert not source.live
        over_http = list(source)
    with open_source(path) as source:
        local = list(source)
    assert [f.timestamp for f in over_http] == [f.timestamp for f in local]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(over_http, local, strict=True))


def test_an_mjpeg_camera_is_live_and_gives_the_newest_frame():
    camera = MjpegCamera()
    with camera.serving as port, open_source(f"http://127.0.0.1:{port}/video") as source:
        assert source.live
        assert source.size == (64, 48)
        first = next(source)
        assert tuple(first.image[5, 5] > 128) == (True, False, False), "RGB"
        sent = camera.sent
        wait_until(lambda: camera.sent > sent + 20)
        later = next(source)
        assert later.index - first.index > 10
        assert source.dropped >= 10
        assert later.timestamp > first.timestamp
        camera.on = False


def test_a_camera_that_goes_and_comes_back_is_told_and_taken_up_again():
    camera = MjpegCamera()
    told = []
    with camera.serving as port:
        with NetworkSource(f"http://u:pw@127.0.0.1:{port}/video", config=QUICK, tell=told.append) as source:
            before = next(source)
            camera.on = False
            wait_until(lambda: not source.connected)
            tries = camera.connections
            wait_until(lambda: camera.connections > tries + 1)
            camera.on = True
            wait_until(lambda: source.connected)
            source.latest()
            after = next(source)
        camera.on = False
    assert after.timestamp > before.timestamp and after.index > before.index
    assert len(told) == 2
    assert "lost http://127.0.0.1" in told[0] and "is back" in told[1]
    assert "pw" not in "".join(told), "no password in messages"


def test_a_camera_that_falls_silent_is_lost_after_a_while(monkeypatch):
    monkeypatch.setattr(network, "READ_TIMEOUT", 0.3)
    camera = MjpegCamera()
    told = []
    with camera.serving as port:
        with NetworkSource(f"http://127.0.0.1:{port}/video", config=QUICK, tell=told.append) as source:
            next(source)
            camera.silent = True
            wait_until(lambda: len(told) == 1)
            camera.silent = False
            wait_until(lambda: len(told) == 2)
            source.latest()
            next(source)
        camera.on = False
    assert "lost" in told[0] and "back" in told[1]


def test_an_rtsp_camera_is_live_with_its_own_times():
    camera = RtspCamera()
    with camera.serving as port, open_source(f"rtsp://127.0.0.1:{port}/live") as source:
        assert source.live
        assert source.size == (64, 48)
        frames = [next(source) for _ in range(12)]
        camera.on = False
    steps = np.diff([f.timestamp for f in frames]) * camera.RATE
    counts = np.diff([f.index for f in frames])
    assert (steps > 0).all()
    # Spaced as recorded, not as they happened to arrive; a jump to a quicker arrival is the exception.
    assert np.sum(np.abs(steps - counts) < 0.02) >= 6


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_nobody_there_is_one_clear_line_without_secrets(scheme):
    port = closed_port()
    with pytest.raises(SourceError, match="is the address right and the camera on") as caught:
        open_source(f"{scheme}://me:secret@127.0.0.1:{port}/live")
    assert f"127.0.0.1:{port}/live" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("path", "says"), [("secret", "401"), ("nowhere", "404")])
def test_what_the_server_answers_is_said(tmp_path, path, says):
    camera = MjpegCamera()
    server = camera.serving if path == "secret" else files(tmp_path)
    with server as port, pytest.raises(SourceError, match=says):
        open_source(f"http://127.0.0.1:{port}/{path}")


def test_a_page_is_no_video(tmp_path):
    (tmp_path / "index.html").write_text("<h1>camera</h1>" * 100)
    with files(tmp_path) as port, pytest.raises(SourceError, match="is no video"):
        open_source(f"http://127.0.0.1:{port}/index.html")


class _Clock(NetworkFeed):
    def __init__(self):
        self._offset = None


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        ([(0.0, 5.0), (0.1, 5.1), (0.2, 5.25)], [5.0, 5.1, 5.2]),
        ([(0.0, 5.3), (0.1, 5.1), (0.2, 5.25)], [5.3, 5.1, 5.2]),
        ([(0.0, 5.0), (9.0, 5.1), (9.1, 5.2)], [5.0, 5.1, 5.2]),
        ([(9.0, 5.0), (0.0, 5.1), (0.1, 5.2)], [5.0, 5.1, 5.2]),
        ([(None, 5.0), (None, 5.1)], [5.0, 5.1]),
    ],
    ids=["jitter", "first one late", "clock leaps", "clock starts again", "no times"],
)
def test_a_streams_times_are_moved_to_our_clock(arrivals, expected):
    clock = _Clock()
    assert [clock._on_our_clock(*a) for a in arrivals] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("spec", "is_one"),
    [("rtsp://x/1", True), ("HTTP://x", True), ("a.mp4", False), ("ftp://x", False), ("http:x", False)],
)
def test_urls_are_told_from_files(spec, is_one):
    assert is_url(spec) is is_one


@pytest.mark.parametrize("url", ["rtsp://a:b@h:554/p?q=1", "http://b@h/p", "rtsp://h/p"])
def test_messages_hold_no_secrets(url):
    assert "@" not in without_secrets(url)
    assert without_secrets(url).endswith(url.rpartition("@")[2].partition("//")[2])
    assert list(itertools.islice(without_secrets(url), 4)) == list(url[:4])
