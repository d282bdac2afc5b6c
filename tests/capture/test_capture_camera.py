"""Cameras: the newest frame, true times and rates, unplugging, and never blocking the program."""

import itertools
import subprocess
import sys
import textwrap
import threading
import time

import cv2
import numpy as np
import pytest
from capture_fakes import FakeCamera, wait_until

from handflow.capture.camera import CameraSource
from handflow.capture.cameras import CameraInfo, probe_camera
from handflow.capture.live import LiveConfig, LiveSource
from handflow.capture.source import Source
from handflow.errors import SourceError

QUICK = LiveConfig(first_wait=0.01, longest_wait=0.02, close_wait=0.2, open_timeout=10.0)


def no_cameras():
    return []


def open_fake(camera, **more):
    options = {"config": QUICK, "cameras": no_cameras, "system": "linux", "opener": camera.open} | more
    return CameraSource(0, **options)


def test_a_camera_is_a_source():
    with open_fake(FakeCamera(running=True)) as source:
        assert isinstance(source, Source)
        assert (source.name, source.live, source.size) == ("camera 0", True, (64, 48))
    assert list(source) == []


def test_pictures_are_rgb_and_unmirrored():
    with open_fake(FakeCamera(running=True)) as source:
        image = next(source).image
    assert image.dtype == np.uint8
    assert image[10, 5, 2] == 255 and image[10, 5, 0] == 0, "blue on the left"
    assert image[10, 60, 0] == 255 and image[10, 60, 2] == 0, "red on the right"


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_four_channel_cameras_give_rgb_too(channels):
    camera = FakeCamera(running=True)
    camera.channels = channels
    with open_fake(camera) as source:
        assert next(source).image.shape == (48, 64, 3)


def test_a_slow_reader_gets_the_newest_frame_and_the_missed_ones_are_counted():
    camera = FakeCamera()
    with open_fake(camera) as source:
        before = next(source)
        camera.give(5)
        newest = next(source)
        assert newest.image[0, 0, 1] == camera.given % 256
        assert newest.index == before.index + 5
        assert source.dropped == 4


def test_frames_before_the_first_is_taken_do_not_count_as_dropped():
    camera = FakeCamera()
    with open_fake(camera) as source:
        camera.give(7)
        assert next(source).index == 0
        assert source.dropped == 0


def test_latest_does_not_wait_and_gives_no_frame_twice():
    camera = FakeCamera()
    with open_fake(camera) as source:
        assert source.latest() is not None
        assert source.latest() is None
        assert not source.ended


def test_the_drivers_own_capture_time_is_used_on_linux():
    camera = FakeCamera()
    camera.lag = 0.1
    if sys.platform != "linux":
        pytest.skip("V4L2 alone states it")
    with open_fake(camera) as source:
        next(source)
        camera.give(1)
        frame = next(source)
        assert source.epoch + frame.timestamp == pytest.approx(camera.stamps[-1], abs=1e-3)


def test_unplugging_is_told_and_the_camera_comes_back():
    camera = FakeCamera(running=True)
    told = []
    with open_fake(camera, tell=told.append) as source:
        before = next(source)
        camera.plugged = False
        wait_until(lambda: not source.connected)
        tries = len(camera.opened)
        wait_until(lambda: len(camera.opened) >= tries + 3)
        camera.plugged = True
        wait_until(lambda: source.connected)
        source.latest()
        after = next(source)
    assert after.timestamp > before.timestamp
    assert after.index > before.index
    assert len(told) == 2, "each told once, not at every try"
    assert "unplugged" in told[0] and "reconnect" in told[0]
    assert "camera 0 is back" in told[1]
    assert camera.released == len(camera.opened), "each opened device was let go of"


def test_a_reader_waits_while_the_camera_is_away():
    camera = FakeCamera(running=True)
    told = []
    with open_fake(camera, tell=told.append) as source:
        next(source)
        camera.plugged = False
        wait_until(lambda: not source.connected)
        while source.latest() is not None:
            pass
        assert source.latest(timeout=0.05) is None
        assert not source.ended
        camera.plugged = True
        assert next(source).image.shape == (48, 64, 3)


def test_a_camera_that_returns_under_another_number_is_found_by_name():
    camera = FakeCamera(running=True)
    numbers = {"Good Cam": 0}

    def cameras():
        return [CameraInfo(index, name, "V4L2") for name, index in numbers.items()]

    with open_fake(camera, cameras=cameras) as source:
        next(source)
        numbers["Good Cam"] = 2
        camera.plugged = False
        wait_until(lambda: not source.connected)
        camera.plugged = True
        wait_until(lambda: source.connected)
        source.close()
    assert camera.opened[0][0] == 0
    assert camera.opened[-1][0] == 2


def test_a_few_failed_reads_are_no_unplugging():
    camera = FakeCamera(running=True)
    told = []
    with open_fake(camera, tell=told.append) as source:
        next(source)
        camera.misses = 3
        wait_until(lambda: camera.misses == 0)
        next(source)
        assert len(camera.opened) == 1
    assert told == []


def test_a_missing_camera_is_an_error_at_once():
    camera = FakeCamera(plugged=False)
    others = [CameraInfo(2, "Good Cam", "V4L2")]
    with pytest.raises(SourceError, match=r"no camera 0; this machine has 2 \(Good Cam\)"):
        open_fake(camera, cameras=lambda: others)
    assert len(camera.opened) == 1, "no reconnecting to what never was"


def test_a_camera_that_is_slow_to_open_is_awaited():
    camera = FakeCamera(running=True)
    camera.opening.clear()
    threading.Timer(0.3, camera.opening.set).start()
    with open_fake(camera) as source:
        assert next(source).index == 0


@pytest.mark.parametrize("stuck", ["opening", "reading"])
def test_a_camera_that_hangs_from_the_start_is_an_error(stuck):
    camera = FakeCamera()
    if stuck == "opening":
        camera.opening.clear()
    else:
        camera.blocked = True
    hasty = LiveConfig(open_timeout=0.2, close_wait=0.1)
    with pytest.raises(SourceError, match=r"no picture within 0\.2 s: close other programs"):
        open_fake(camera, config=hasty)
    camera.opening.set()


def test_closing_does_not_wait_for_a_read_that_hangs():
    camera = FakeCamera(running=True)
    source = open_fake(camera)
    next(source)
    camera.blocked = True
    wait_until(camera.hangs.is_set)
    source.close()
    source.close()
    assert source.latest() is None
    assert source.ended


def test_a_stall_is_told_once():
    camera = FakeCamera()
    told = []
    config = LiveConfig(stall=0.15, close_wait=0.2)
    with open_fake(camera, tell=told.append, config=config) as source:
        next(source)
        threading.Timer(0.7, lambda: camera.give(1)).start()
        next(source)
    assert told == ["camera 0: no picture for 0.15 s, still waiting"]


def test_an_error_of_the_driver_reaches_the_reader():
    camera = FakeCamera(running=True)
    with open_fake(camera) as source:
        next(source)
        camera.channels = 2  # what no camera gives
        with pytest.raises(KeyError):
            for _ in source:
                pass


@pytest.mark.parametrize(
    ("system", "number"),
    [("linux", cv2.CAP_V4L2), ("win32", cv2.CAP_DSHOW), ("darwin", cv2.CAP_AVFOUNDATION)],
)
def test_each_system_has_its_back_end(system, number):
    camera = FakeCamera(running=True)
    with open_fake(camera, system=system):
        pass
    assert camera.opened == [(0, number)]


def test_size_and_rate_are_asked_of_the_driver_compressed_where_usb_is_too_slow():
    camera = FakeCamera(running=True)
    with open_fake(camera, size=(1280, 720), fps=30):
        pass
    mjpg = cv2.VideoWriter.fourcc(*"MJPG")
    assert camera.settings == [
        (cv2.CAP_PROP_FOURCC, mjpg),
        (cv2.CAP_PROP_FRAME_WIDTH, 1280),
        (cv2.CAP_PROP_FRAME_HEIGHT, 720),
        (cv2.CAP_PROP_FPS, 30),
    ]
    small = FakeCamera(running=True)
    with open_fake(small, size=(640, 480)):
        pass
    assert (cv2.CAP_PROP_FOURCC, mjpg) not in small.settings


class TimedFeed:
    """Pictures with times of our choice."""

    fps = 30.0

    def __init__(self, times):
        self._times = iter(times)

    def read(self):
        seconds = next(self._times, None)
        return None if seconds is None else (np.zeros((16, 16, 3), np.uint8), seconds)

    def close(self):
        pass


@pytest.mark.parametrize("rate", [7.5, 15.0, 60.0])
def test_the_rate_is_the_true_one_not_the_claimed_one(rate):
    with LiveSource("fake", lambda: TimedFeed(i / rate for i in range(200))) as source:
        frames = list(source)
    assert frames
    assert source.fps == pytest.approx(rate)


def test_a_rate_that_falls_in_the_dark_is_followed():
    times = [i / 30 for i in range(90)] + [3 + i / 10 for i in range(40)]
    with LiveSource("fake", lambda: TimedFeed(times)) as source:
        list(source)
    assert source.fps == pytest.approx(10, rel=0.05)


def test_the_claimed_rate_stands_in_until_there_is_a_true_one():
    with LiveSource("fake", lambda: TimedFeed([0.0, 0.1])) as source:
        assert source.fps == 30.0


def test_times_that_step_back_are_kept_increasing():
    times = []
    with LiveSource("fake", lambda: TimedFeed([1.0, 0.5, 0.5, 2.0]), hold_first=True) as source:
        times = [f.timestamp for f in source]
    assert times[-1] == 2.0
    assert all(b > a for a, b in itertools.pairwise(times))


def test_a_feed_without_pictures_is_an_error():
    with pytest.raises(SourceError, match="holds no picture"):
        LiveSource("fake", lambda: TimedFeed([]))


@pytest.mark.parametrize("field", ["open_timeout", "first_wait", "close_wait"])
def test_waits_of_nothing_are_refused(field):
    with pytest.raises(ValueError, match=field):
        LiveConfig(**{field: 0.0})


def test_probing_measures_opening_size_and_rate():
    camera = FakeCamera(running=True)
    probe = probe_camera(3, seconds=0.2, opener=camera.open, system="linux")
    assert probe.index == 3
    assert probe.size == (64, 48)
    assert probe.fps > 0
    assert probe.open_seconds > 0
    assert camera.released == 1


@pytest.mark.parametrize("ending", ["pass", "source.close()", "raise SystemExit(0)"])
@pytest.mark.parametrize("state", ["running", "blocked"])
def test_a_program_with_an_open_camera_ends(ending, state):
    program = f"""
        import sys
        sys.path[:0] = {sys.path!r}
        from capture_fakes import FakeCamera, wait_until
        from handflow.capture.camera import CameraSource
        camera = FakeCamera(running=True)
        source = CameraSource(0, opener=camera.open, cameras=list, system="linux")
        next(source)
        camera.{state} = True
        wait_until(camera.hangs.is_set if camera.blocked else lambda: camera.given > 5)
        print("seen", flush=True)
        {ending}
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "seen\n", "")


def test_time_passes_on_the_same_clock_as_latencies_are_measured_with():
    camera = FakeCamera(running=True)
    before = time.perf_counter()
    with open_fake(camera) as source:
        frame = next(source)
        after = time.perf_counter()
        assert before <= source.epoch <= source.epoch + frame.timestamp <= after
