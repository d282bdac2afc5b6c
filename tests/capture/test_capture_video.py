"""Video files: every picture, upright, at its true time; damaged files end in one clear line."""

import itertools

import av
import cv2
import numpy as np
import pytest
from capture_fakes import numbered, steady, write_video

from handflow.capture import open_source
from handflow.capture.video import VideoSource
from handflow.errors import SourceError
from needs import real_data


@pytest.fixture
def video(tmp_path):
    return write_video(tmp_path / "hands.mp4", steady(60))


def encode(
    path, count=10, *, codec="libx264", pix_fmt="yuv420p", prepare=None, times=None, size=(64, 48), **more
):
    """A video made by PyAV alone, with settings that our writer does not offer."""
    with av.open(str(path), "w", **more) as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        if prepare is not None:
            prepare(stream)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(numbered(number, size), format="rgb24").reformat(
                format=pix_fmt
            )
            if times is not None:
                frame.pts = times[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_every_picture_comes_in_order_with_its_time(video):
    with VideoSource(video) as source:
        assert (source.live, source.dropped, source.size, source.name) == (False, 0, (64, 48), str(video))
        assert source.fps == pytest.approx(30)
        frames = list(source)
    assert [f.index for f in frames] == list(range(60))
    assert [f.timestamp for f in frames] == pytest.approx(steady(60), abs=2e-5)
    greys = np.array([f.image[40, 40].mean() for f in frames])
    assert np.abs(greys - [n % 25 * 10 for n in range(60)]).max() < 4
    assert frames[0].image.dtype == np.uint8 and frames[0].image.flags.c_contiguous


def test_a_rate_that_varies_is_kept(tmp_path):
    times = [0.0, 0.033, 0.066, 0.2, 0.5, 2.0, 2.01, 2.1]
    with VideoSource(write_video(tmp_path / "v.mp4", times)) as source:
        assert [f.timestamp for f in source] == pytest.approx(times, abs=2e-5)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mkv", "libx264", "yuv420p"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.mp4", "libx264", "yuv444p"),
        ("a.mov", "mjpeg", "yuvj420p"),
        ("a.gif", "gif", "rgb8"),
    ],
)
def test_common_kinds_of_files_are_read(tmp_path, name, codec, pix_fmt):
    path = encode(tmp_path / name, codec=codec, pix_fmt=pix_fmt)
    with VideoSource(path) as source:
        frames = list(source)
    assert len(frames) == 10
    assert all(b.timestamp > a.timestamp for a, b in itertools.pairwise(frames))
    assert tuple(frames[3].image[5, 5] > 128) == (True, False, False), "the corner is red"


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_turned_phone_gives_upright_pictures_as_opencv_does(tmp_path, degrees):
    path = encode(tmp_path / "phone.mp4", prepare=lambda s: s.set_display_rotation(degrees))
    with VideoSource(path) as source:
        ours = next(source).image
        assert source.size == ((48, 64) if degrees % 180 else (64, 48))
    reader = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    theirs = cv2.cvtColor(reader.read()[1], cv2.COLOR_BGR2RGB)
    assert ours.shape == theirs.shape
    assert np.abs(ours.astype(int) - theirs).mean() < 6


def test_pixels_that_are_not_square_are_made_square(tmp_path):
    def wide(stream):
        stream.codec_context.sample_aspect_ratio = 2

    with VideoSource(encode(tmp_path / "dv.mp4", prepare=wide)) as source:
        assert source.size == (128, 48) == next(source).size


def test_a_limit_shrinks_upright_pictures(tmp_path):
    path = encode(tmp_path / "phone.mp4", prepare=lambda s: s.set_display_rotation(90))
    with VideoSource(path, size=(24, 24)) as source:
        assert source.size == (18, 24) == next(source).size


def test_a_clock_that_starts_again_goes_on(tmp_path):
    """Two recordings joined end to end, as transport streams may be."""
    one = encode(tmp_path / "one.ts", format="mpegts").read_bytes()
    (tmp_path / "two.ts").write_bytes(one + one)
    with VideoSource(tmp_path / "two.ts") as source:
        times = [f.timestamp for f in source]
    assert len(times) >= 19
    assert np.diff(times) == pytest.approx(1 / 30, abs=0.04)
    assert (np.diff(times) > 0).all()


def test_a_stream_without_times_gets_the_rate_asked_for(tmp_path):
    path = encode(tmp_path / "raw.h264", format="h264")
    with VideoSource(path, fps=10) as source:
        assert source.fps == 10
        assert [f.timestamp for f in source] == pytest.approx(steady(10, 10))


NO_VIDEO = {
    "missing": (None, "no file"),
    "empty": (b"", "is empty"),
    "text": (b"These are only words.\n" * 50, "is no video, or is damaged"),
    "noise": (np.random.default_rng(0).bytes(20_000), "is no video, or is damaged"),
    "zeros": (bytes(20_000), "is no video, or is damaged"),
}


@pytest.mark.parametrize("kind", NO_VIDEO)
@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
def test_what_is_no_video_is_one_clear_line(tmp_path, kind, suffix):
    content, says = NO_VIDEO[kind]
    path = tmp_path / f"hands{suffix}"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=says) as caught:
        VideoSource(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_video_file(tmp_path):
    with pytest.raises(SourceError, match="is not a file"):
        VideoSource(tmp_path)


def test_sound_alone_is_no_video(tmp_path):
    with av.open(str(tmp_path / "song.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 16000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(SourceError, match=r"no video that can be decoded \(it holds audio\)"):
        VideoSource(tmp_path / "song.mp4")


def read_cut(path, share, tmp_path):
    content = path.read_bytes()
    cut = tmp_path / f"cut{path.suffix}"
    cut.write_bytes(content[: int(len(content) * share)])
    told = []
    with VideoSource(cut, tell=told.append) as source:
        return list(source), told, cut


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_a_video_that_was_cut_off_gives_what_is_there_and_says_so(tmp_path, suffix):
    rng = np.random.default_rng(0)
    whole = tmp_path / f"whole{suffix}"
    options = {"movflags": "faststart"} if suffix == ".mp4" else {}
    codec = "mpeg4" if suffix == ".avi" else "libx264"
    with av.open(str(whole), "w", options=options) as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(120):
            noise = rng.integers(0, 255, (48, 64, 3)).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise, format="rgb24")))
        container.mux(stream.encode(None))
    frames, told, cut = read_cut(whole, 0.6, tmp_path)
    assert 30 <= len(frames) < 110
    assert len(told) == 1
    assert str(cut) in told[0] and "damaged or cut off" in told[0] and f"read {len(frames)}" in told[0]


def test_a_recording_that_was_never_ended_is_an_error(tmp_path):
    """The index of a plain MP4 comes last: without it nothing can be read."""
    path = encode(tmp_path / "whole.mp4", count=60)
    with pytest.raises(SourceError, match=r"damaged or cut off"):
        read_cut(path, 0.5, tmp_path)


def test_damage_in_the_middle_is_skipped_and_told(tmp_path):
    path = encode(tmp_path / "v.mkv", count=60, prepare=lambda s: setattr(s.codec_context, "gop_size", 5))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = bytes(400)
    path.write_bytes(content)
    told = []
    with VideoSource(path, tell=told.append) as source:
        frames = list(source)
    assert 0 < len(frames) < 60
    assert len(told) == 1 and str(path) in told[0]
    assert all(b.timestamp > a.timestamp for a, b in itertools.pairwise(frames))


def test_a_whole_video_is_told_nothing_about(video, tmp_path):
    told = []
    with VideoSource(video, tell=told.append) as source:
        assert len(list(source)) == 60
    assert told == []


def test_a_last_picture_that_is_shown_for_long_is_no_damage(tmp_path):
    path = write_video(tmp_path / "v.mp4", [0.0, 0.1, 30.0])
    told = []
    with VideoSource(path, tell=told.append) as source:
        assert len(list(source)) == 3
    assert told == []


def test_closing_early_ends_the_iteration(video):
    source = VideoSource(video)
    next(source)
    source.close()
    source.close()
    assert list(source) == []


def test_a_name_that_looks_like_a_protocol_is_a_file(tmp_path, monkeypatch):
    write_video(tmp_path / "v.mp4", steady(3))
    (tmp_path / "v.mp4").rename(tmp_path / "concat%03d.mp4")
    monkeypatch.chdir(tmp_path)
    with open_source("concat%03d.mp4") as source:
        assert len(list(source)) == 3


def test_at_its_own_pace_late_frames_are_dropped_and_counted(tmp_path):
    path = write_video(tmp_path / "v.mp4", steady(45))
    seen = []
    with open_source(path, realtime=True) as source:
        assert source.live
        assert source.fps == pytest.approx(30)
        for frame in source:
            seen.append(frame)
            if frame.index == 3:
                source._stop.wait(0.6)  # a reader that is busy while about 18 frames pass
        dropped = source.dropped
    assert len(seen) + dropped == 45
    assert dropped >= 5
    assert seen[0].index == 0 and seen[-1].index == 44, "neither the first nor the last is lost"
    assert all(f.timestamp == pytest.approx(f.index / 30, abs=1e-4) for f in seen)


def test_at_its_own_pace_nothing_runs_away_before_the_first_look(tmp_path):
    path = write_video(tmp_path / "v.mp4", steady(10))
    with open_source(path, realtime=True) as source:
        source._stop.wait(0.5)  # models are being loaded
        frames = list(source)
    assert frames[0].index == 0
    assert len(frames) + source.dropped == 10


def test_closing_a_paced_video_does_not_wait_for_its_next_picture(tmp_path):
    path = write_video(tmp_path / "v.mp4", [0.0, 3000.0])
    source = open_source(path, realtime=True)
    next(source)
    source.close()
    assert not source._thread.is_alive()


@pytest.mark.parametrize("name", ["unlock", "volume_up", "volume_down"])
def test_real_recordings_are_read_whole(name):
    told = []
    with VideoSource(real_data() / "videos" / f"{name}.avi", size=(640, 480), tell=told.append) as source:
        frames = list(source)
        assert source.size == (640, 360)
        assert source.fps == pytest.approx(30, abs=0.5)
        assert source.frame_count == len(frames) + 1, "their second picture was never recorded"
    steps = np.diff([f.timestamp for f in frames]) * source.fps
    assert steps == pytest.approx([2] + [1] * (len(frames) - 2))
    assert told == []
