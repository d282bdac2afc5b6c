"""`handflow record` and `handflow view` as programs, without a window."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import typer

from handflow.cli.common import picture_size
from handflow.cli.recording import TakeOptions, duration, make_idle, make_plan
from handflow.data import Dataset
from handflow.hands import HandLandmarkerConfig, HandModels
from moving_hand import write_moving_hand
from needs import real_data

HANDFLOW = [sys.executable, "-m", "handflow"]


def handflow(*words: object) -> "subprocess.CompletedProcess[str]":
    command = [*HANDFLOW, *map(str, words)]
    return subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def moving_hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_moving_hand(tmp_path_factory.mktemp("moving") / "hand", 120)


def test_the_hand_model_of_choice_stands_beside_the_landmarks(
    tmp_path: Path, moving_hand: Path, lite_models: HandModels
) -> None:
    done = handflow(
        "record", tmp_path / "set", "-g", "wave", "--source", moving_hand, "--no-window", "--seconds", 1,
        "--takes", 1, "--hand-model", "lite", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    dataset = Dataset.open(tmp_path / "set")
    (entry,) = dataset.entries()
    assert dataset.landmarks(entry).landmarker == HandLandmarkerConfig(model="lite").version
    viewed = handflow("view", "--source", moving_hand, "--no-window", "--hand-model", "lite")
    assert viewed.returncode == 0, viewed.stderr


@pytest.mark.usefixtures("hand_models")
def test_takes_are_recorded_from_a_folder_of_images_by_themselves(tmp_path: Path, moving_hand: Path) -> None:
    done = handflow(
        "record", tmp_path / "set", "--gesture", "background", "--source", moving_hand, "--no-window",
        "--seconds", 1, "--takes", 2, "--subject", "anna", "--session", "evening", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["takes"], summary["wanted"], summary["rejected"]) == (2, 2, [])
    assert "take 1 recorded" in done.stderr and "2 of 2 takes of 'background'" in done.stderr
    dataset = Dataset.open(tmp_path / "set")
    assert [e.id for e in dataset.entries()] == summary["clips"]
    for entry in dataset.entries():
        assert (entry.label, entry.subject, entry.session) == ("background", "anna", "evening")
        clip = dataset.load(entry)
        pictures = list(dataset.frames(entry))
        assert len(pictures) == len(clip.sequence) == 31
        assert clip.sequence.duration == pytest.approx(1.0, abs=0.01)
        assert clip.sequence.seen.any(axis=1).mean() > 0.8
        # saved as the camera saw it, whatever the mirror shows
        x = np.nanmean(clip.sequence.landmarks[..., 0])
        assert 0 < x < pictures[0].size[0]


@pytest.mark.usefixtures("hand_models")
def test_a_second_recording_adds_to_the_dataset_and_may_leave_pictures_out(
    tmp_path: Path, moving_hand: Path
) -> None:
    for gesture in ("swipe", "wave"):
        done = handflow(
            "record", tmp_path / "set", "--gesture", gesture, "--source", moving_hand, "--no-window",
            "--frames", 20, "--takes", 1, "--no-frames",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
    dataset = Dataset.open(tmp_path / "set")
    assert dataset.gestures == ("swipe", "wave")
    assert [(len(dataset.load(e).sequence), e.has_frames) for e in dataset.entries()] == [(20, False)] * 2
    first, second = dataset.entries()
    assert first.session is not None and second.session is not None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process alone")
@pytest.mark.usefixtures("hand_models")
def test_ctrl_c_keeps_complete_takes_and_no_half_one(tmp_path: Path) -> None:
    endless = write_moving_hand(tmp_path / "hand", 6000)
    running = subprocess.Popen(
        [
            *(
                *HANDFLOW,
                "record",
                tmp_path / "set",
                "--gesture",
                "swipe",
                "--source",
                endless,
                "--no-window",
            ),
            *("--seconds", "0.5", "--takes", "1000", "--json"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 60
    while len(list(tmp_path.glob("set/clips/swipe/*/clip.json"))) < 3:
        assert time.monotonic() < end and running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    dataset = Dataset.open(tmp_path / "set")
    clips = [dataset.load(e) for e in dataset.entries()]
    assert json.loads(out)["ended_by"] == "interrupt"
    assert json.loads(out)["takes"] == len(clips) >= 3
    assert all(len(c.sequence) == 16 for c in clips)
    assert not [p for p in (tmp_path / "set").rglob("*") if "partial" in p.name]


@pytest.mark.usefixtures("hand_models")
def test_takes_without_a_hand_are_rejected_with_the_reason(tmp_path: Path) -> None:
    import cv2

    empty = tmp_path / "wall"
    empty.mkdir()
    for n in range(40):
        cv2.imwrite(str(empty / f"{n}.jpg"), np.full((120, 160, 3), 90, np.uint8))
    done = handflow(
        "record", tmp_path / "set", "--gesture", "a", "--source", empty, "--no-window", "--seconds", 1
    )
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith("handflow:")]
    assert len(lines) == 1
    assert "no take of 'a' was recorded: a hand was seen in only 0 of 31 frames: stay in" in lines[0]
    assert Dataset.open(tmp_path / "set").entries() == []


@pytest.mark.usefixtures("hand_models")
def test_a_source_that_ends_before_a_hand_moves_says_what_was_waited_for(
    tmp_path: Path, moving_hand: Path
) -> None:
    still = tmp_path / "still"
    still.mkdir()
    for n in range(30):
        (still / f"{n}.jpg").write_bytes((moving_hand / "frame0.jpg").read_bytes())
    done = handflow("record", tmp_path / "set", "-g", "a", "-s", still, "--no-window", "--hands-free")
    assert done.returncode == 1
    assert "the source ended before a hand rested and then moved" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--source", "nowhere.mp4", "--no-window"), 1, "nowhere.mp4"),
        (("--no-window", "--seconds", "1", "--frames", "3"), 2, "not both"),
        (("--no-window", "--hands-free", "--auto"), 2, "not both"),
        (("--no-window", "--seconds", "0"), 2, "--seconds 0 must be between"),
        (("--no-window", "--countdown", "-1"), 2, "--countdown -1 must be between"),
        (("--no-window", "--takes", "0"), 2, "takes"),
        (("--no-window", "--size", "big"), 2, "write it as 640x480"),
    ],
)
def test_mistakes_are_named_before_anything_is_written(
    tmp_path: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    done = handflow("record", tmp_path / "set", "--gesture", "a", *words)
    assert done.returncode == code
    assert says in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "give --gesture NAME for takes, or --background 5m"),
        (
            ("--background", "5m", "--gesture", "a"),
            "--background 5m and --gesture a do not go together: leave --gesture out",
        ),
        (("--background", "5m", "--takes", "3"), "--background 5m and --takes 3 do not go together"),
        (("--background", "5m", "--seconds", "2"), "--seconds 2"),
        (("--background", "5m", "--frames", "20"), "--frames 20"),
        (("--background", "5m", "--pause", "1"), "--pause 1"),
        (("--background", "5m", "--hands-free"), "--hands-free do not go together"),
        (("--background", "5m", "--auto"), "--auto do not go together"),
        (("--background", "soon"), "'soon' is no duration: write it as 5m, 90s, 1h"),
        (("--background", "2"), "--background 2s must be between 5s and 12h"),
        (("--background", "5m", "--countdown", "-1"), "--countdown -1"),
    ],
)
def test_idle_minutes_refuse_what_makes_no_sense_with_them(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    done = handflow("record", tmp_path / "set", "--no-window", *words)
    assert done.returncode == 2
    plain = " ".join(done.stderr.replace("│", " ").split())  # the error stands in a box
    assert says in plain and "Traceback" not in done.stderr
    assert not (tmp_path / "set").exists()


@pytest.mark.usefixtures("hand_models")
def test_idle_minutes_of_a_source_become_clips_of_background(tmp_path: Path) -> None:
    from handflow.data.check import check_dataset

    hand = write_moving_hand(tmp_path / "hand", 700)
    done = handflow(
        "record", tmp_path / "set", "--background", "15s", "--source", hand, "--no-window", "--json",
        "--subject", "anna",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["takes"], summary["ended_by"]) == (2, "time")
    assert (summary["seconds"], summary["wanted_seconds"]) == (pytest.approx(15.0, abs=0.1), 15.0)
    assert "make your gestures" in " ".join(done.stderr.split())
    assert "0:10 of 0:15, 1 clip kept" in done.stderr
    assert "2 clips of 'background' from 0:15 of 0:15" in done.stderr
    dataset = Dataset.open(tmp_path / "set")
    assert [e.id for e in dataset.entries()] == summary["clips"]
    clips = [dataset.load(e) for e in dataset.entries()]
    assert [(c.label, c.subject) for c in clips] == [("background", "anna")] * 2
    assert [len(c.sequence) for c in clips] == [300, 150]
    assert [len(list(dataset.frames(e))) for e in dataset.entries()] == [300, 150]
    said = [finding.kind for finding in check_dataset(tmp_path / "set").findings]
    assert {*said} <= {"one gesture", "few clips"}  # nothing but that it is no dataset to train on yet


@pytest.mark.usefixtures("hand_models")
def test_idle_minutes_without_a_hand_are_left_out_and_say_so(tmp_path: Path) -> None:
    import cv2

    empty = tmp_path / "wall"
    empty.mkdir()
    for n in range(240):
        cv2.imwrite(str(empty / f"{n}.jpg"), np.full((120, 160, 3), 90, np.uint8))
    done = handflow("record", tmp_path / "set", "--background", "1m", "--source", empty, "--no-window")
    assert done.returncode == 1
    assert "1 without a hand left out" in done.stderr
    assert "no hand was in sight for long enough" in done.stderr
    assert Dataset.open(tmp_path / "set").entries() == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process alone")
@pytest.mark.usefixtures("hand_models")
def test_ctrl_c_keeps_the_idle_minutes_until_then(tmp_path: Path) -> None:
    endless = write_moving_hand(tmp_path / "hand", 6000)
    running = subprocess.Popen(
        [
            *(*HANDFLOW, "record", tmp_path / "set", "--background", "1h", "--source", endless),
            *("--no-window", "--no-frames", "--json"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 60
    while not list(tmp_path.glob("set/clips/background/*/clip.json")):
        assert time.monotonic() < end and running.poll() is None
        time.sleep(0.05)
    time.sleep(2)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    summary = json.loads(out)
    dataset = Dataset.open(tmp_path / "set")
    clips = [dataset.load(e) for e in dataset.entries()]
    assert (summary["ended_by"], summary["takes"]) == ("interrupt", len(clips))
    recorded = sum(len(c.sequence) for c in clips) / 30
    assert recorded == pytest.approx(summary["seconds"], abs=2.1)  # a rest of less than 2 s is dropped


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("5m", 300), ("5min", 300), (" 1H ", 3600), ("1h30m", 5400), ("2.5m", 150)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "5 minutes", "1.2.3", "-5", "5m1h"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no duration"):
        duration(text)


@pytest.mark.parametrize(("live", "countdown"), [(True, 3.0), (False, 0.0)])
def test_idle_minutes_of_a_file_begin_at_once(live: bool, countdown: float) -> None:
    idle = make_idle(TakeOptions(idle=60.0), live=live)
    assert idle is not None and (idle.seconds, idle.countdown) == (60.0, countdown)
    assert make_idle(TakeOptions(), live=live) is None


def test_a_folder_that_is_no_dataset_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    done = handflow("record", tmp_path, "--gesture", "a", "--no-window")
    assert done.returncode == 1
    assert "no dataset.json" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--record-to", "set"), "give both or none"),
        (("--gesture", "wave"), "give both or none"),
        (("--record-to", "set", "--gesture", "wave", "--no-hands"), "needs the hands"),
        (("--mask", "--no-hands"), "--mask needs the hands"),
    ],
)
def test_view_refuses_options_that_do_not_fit(words: tuple[str, ...], says: str) -> None:
    done = handflow("view", *words)
    assert done.returncode == 2 and says in done.stderr


def test_view_without_window_plays_a_source_to_its_end(moving_hand: Path) -> None:
    done = handflow("view", "--source", moving_hand, "--no-window", "--no-hands")
    assert done.returncode == 0, done.stderr
    assert "frames seen" in done.stderr


def test_a_hand_in_a_real_video_is_recorded_hands_free_from_before_its_motion(
    tmp_path: Path, hand_models: HandModels
) -> None:
    del hand_models
    video = real_data() / "videos" / "unlock.avi"
    done = handflow(
        "record", tmp_path / "set", "-g", "unlock", "-s", video, "--no-window", "--hands-free", "--takes", 1
    )
    assert done.returncode == 0, done.stderr
    (entry,) = Dataset.open(tmp_path / "set").entries()
    # The hand rests until 0.85 s and again from 2.1 s, as seen in the video.
    assert 0.5 < entry.timestamps[0] < 0.85 and 2.0 < entry.timestamps[-1] < 2.5


@pytest.mark.parametrize(
    ("options", "window", "has_keys", "live", "start", "countdown", "stop"),
    [
        (TakeOptions(), True, True, True, "key", 3.0, "seconds"),
        (TakeOptions(auto=True), True, True, True, "auto", 3.0, "seconds"),
        (TakeOptions(), False, True, True, "key", 3.0, "seconds"),
        (TakeOptions(), False, False, True, "auto", 3.0, "seconds"),
        (TakeOptions(), False, True, False, "auto", 0.0, "seconds"),
        (TakeOptions(hands_free=True), False, False, True, "motion", 3.0, "rest"),
        (TakeOptions(hands_free=True, seconds=2.0), True, True, True, "motion", 3.0, "seconds"),
        (TakeOptions(hands_free=True, frames=30), True, True, True, "motion", 3.0, "frames"),
        (TakeOptions(frames=30, countdown=1.0), True, True, True, "key", 1.0, "frames"),
    ],
)
def test_who_starts_takes_follows_from_window_keys_and_source(
    options: TakeOptions, window: bool, has_keys: bool, live: bool, start: str, countdown: float, stop: str
) -> None:
    plan = make_plan(options, window=window, has_keys=has_keys, live=live)
    config = plan.hands_free if plan.begin_hands_free else plan.by_key
    assert (config.start, config.countdown, config.stop) == (start, countdown, stop)


@pytest.mark.parametrize(("text", "size"), [("640x480", (640, 480)), (" 1280X720 ", (1280, 720))])
def test_sizes_are_read(text: str, size: tuple[int, int]) -> None:
    assert picture_size(text) == size


@pytest.mark.parametrize("text", ["", "640", "640x", "axb", "640x480x3", "-640x480"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        picture_size(text)
