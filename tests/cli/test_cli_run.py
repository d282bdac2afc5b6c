"""`handflow run` on real files: events as JSON lines, an annotated video, clear ends."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from handflow.hands import HandModels
from handflow.types import SIDES, GestureEvent

RUN = [sys.executable, "-m", "handflow", "run"]
EVENT_KEYS = ["gesture", "score", "hand", "track", "onset", "offset", "time", "frame"]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RUN, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=200,
    )


def test_a_video_becomes_events_an_annotated_video_and_stage_times(
    directions_model: Path, directions_video: Path, hand_models: HandModels, tmp_path: Path
) -> None:
    import av

    out = tmp_path / "annotated.mp4"
    done = run("--model", directions_model, "--source", directions_video, "--events", "-", "--annotate", out)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(list(event) == EVENT_KEYS for event in events)
    assert all(event["gesture"].startswith("hand_") for event in events)
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    for stage in ("capture", "hands", "recognition", "frame → event"):
        assert stage in done.stderr
    with av.open(str(out)) as video, av.open(str(directions_video)) as original:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.width == 640
        frames = sum(1 for _ in video.decode(video=0))
        assert frames == sum(1 for _ in original.decode(video=0))


def test_events_go_to_a_file_and_the_run_ends_after_the_given_time(
    directions_model: Path, directions_video: Path, hand_models: HandModels, tmp_path: Path
) -> None:
    events = tmp_path / "events.jsonl"
    done = run(
        "--model", directions_model, "--source", directions_video, "--events", events, "--seconds", "2"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert events.exists()
    assert "31 frames" in done.stderr


def test_the_lite_hand_model_runs_as_well(
    directions_model: Path, directions_video: Path, lite_models: HandModels
) -> None:
    done = run(
        "--model", directions_model, "--source", directions_video, "--seconds", "1", "--hand-model", "lite"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "16 frames" in done.stderr


def test_a_model_of_another_feature_version_is_refused_with_the_remedy(
    directions_model: Path, directions_video: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "old"
    shutil.copytree(directions_model, copy)
    info = json.loads((copy / "model.json").read_text(encoding="utf-8"))
    info["feature_version"] += 1
    (copy / "model.json").write_text(json.dumps(info), encoding="utf-8")
    done = run("--model", copy, "--source", directions_video)
    assert done.returncode == 1
    assert "feature" in done.stderr and "train" in done.stderr
    assert "Traceback" not in done.stderr


def cut(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: cut(folder, "model.onnx"), "model.onnx"),
        (lambda folder: cut(folder, "model.json"), "model.json"),
        (lambda folder: (folder / "model.onnx").unlink(), "model.onnx"),
        (lambda folder: (folder / "model.json").unlink(), "model.json"),
    ],
)
def test_a_damaged_model_folder_is_one_clear_line(  # type: ignore[no-untyped-def]
    damage, words: str, directions_model: Path, directions_video: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "damaged"
    shutil.copytree(directions_model, copy)
    damage(copy)
    done = run("--model", copy, "--source", directions_video)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("source", ["absent.mp4", "text.mp4", "empty"])
def test_a_source_that_cannot_be_read_is_one_clear_line(
    source: str, directions_model: Path, hand_models: HandModels, tmp_path: Path
) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty").mkdir()
    done = run("--model", directions_model, "--source", tmp_path / source)
    assert done.returncode == 1
    assert source in done.stderr
    assert "Traceback" not in done.stderr


def test_the_source_is_never_overwritten(
    directions_model: Path, directions_video: Path, tmp_path: Path
) -> None:
    video = tmp_path / "mine.mp4"
    shutil.copy(directions_video, video)
    content = video.read_bytes()
    for option in ("--annotate", "--events"):
        done = run("--model", directions_model, "--source", video, option, video)
        assert done.returncode == 1
        assert "is the source itself" in done.stderr
        assert video.read_bytes() == content


def test_a_source_that_is_lost_midway_leaves_the_video_until_then(
    directions_model: Path, directions_video: Path, hand_models: HandModels, tmp_path: Path
) -> None:
    import av

    from handflow.capture import open_source
    from handflow.data.pictures import encode_jpeg

    pictures, out = tmp_path / "pictures", tmp_path / "annotated.mp4"
    pictures.mkdir()
    with open_source(directions_video) as source:
        for frame in source:
            (pictures / f"{frame.index}.jpg").write_bytes(encode_jpeg(frame.image))
            if frame.index == 5:
                break
    (pictures / "4.jpg").write_bytes(b"no picture")
    done = run("--model", directions_model, "--source", pictures, "--annotate", out)
    assert done.returncode == 1
    assert "4.jpg" in done.stderr
    assert "Traceback" not in done.stderr
    with av.open(str(out)) as video:
        assert sum(1 for _ in video.decode(video=0)) == 4


def test_damaged_hand_models_are_one_clear_line(
    directions_model: Path, directions_video: Path, tmp_path: Path
) -> None:
    (tmp_path / "palm_detection_full.tflite").write_bytes(b"x")
    (tmp_path / "hand_landmark_full.tflite").write_bytes(b"x")
    environment = {**os.environ, "HANDFLOW_HAND_MODELS": str(tmp_path)}
    done = subprocess.run(
        [*RUN, "--model", directions_model, "--source", directions_video],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "damaged" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for other processes")
def test_ctrl_c_ends_a_camera_in_good_order_and_keeps_the_video(
    directions_model: Path, directions_video: Path, hand_models: HandModels, tmp_path: Path
) -> None:
    """A slow source stands for the camera: folders of pictures are read at the pace of the hands."""
    import av

    out = tmp_path / "annotated.mp4"
    code = (
        "import sys\n"
        "from handflow.capture import video\n"
        "from handflow.cli import main\n"
        f"sys.argv = ['handflow', 'run', '--model', {str(directions_model)!r}, '--source', "
        f"{str(directions_video)!r}, '--annotate', {str(out)!r}]\n"
        "import time\n"
        "import handflow.live.pipeline as p\n"
        "update = p.Pipeline.update\n"
        "def slow(self, frame):\n"
        "    print('frame', flush=True)\n"
        "    time.sleep(0.3)\n"
        "    return update(self, frame)\n"
        "p.Pipeline.update = slow\n"
        "main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(5):
        assert process.stdout.readline() == "frame\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "stopped" in errors
    with av.open(str(out)) as video:
        assert 3 <= sum(1 for _ in video.decode(video=0)) <= 6


def test_events_count_only_while_armed_and_the_switch_is_said(
    directions_model: Path, directions_video: Path, hand_models: HandModels
) -> None:
    words = ("--model", directions_model, "--source", directions_video, "--events", "-")
    free = run(*words)
    gestures = [json.loads(line)["gesture"] for line in free.stdout.splitlines()]
    assert gestures, "the video holds gestures that are found"
    never = run(*words, "--arm", "hand-up", "--disarmed-at-start", "--seconds", "0.5")
    assert never.returncode == 0, never.stderr
    assert never.stdout == "" and never.stderr.startswith("disarmed\n")
    by = gestures[0]
    armed = run(*words, "--arm", by)
    expected, on = [], False
    for gesture in gestures:
        on = on ^ (gesture == by)
        if on and gesture != by:
            expected.append(gesture)
    assert [json.loads(line)["gesture"] for line in armed.stdout.splitlines()] == expected
    assert all(list(json.loads(line)) == EVENT_KEYS for line in armed.stdout.splitlines())
    assert " s: armed\n" in armed.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("--arm", "salute"),
            "--arm salute is no gesture of this model: choose hand-up or one of hand_down,",
        ),
        (("--arm", "background"), "--arm background is no gesture of this model"),
        (("--armed-at-start",), "--armed-at-start needs --arm"),
        (("--disarmed-at-start",), "--disarmed-at-start needs --arm"),
        (("--disarm-after", "5"), "--disarm-after 5 needs --arm"),
        (("--arm", "hand-up", "--disarm-after", "0"), "--disarm-after 0 must be more than 0 seconds"),
        (("--follow", "everybody"), "everybody"),
    ],
)
def test_options_that_make_no_sense_are_named(
    words: tuple[str, ...], says: str, directions_model: Path, directions_video: Path
) -> None:
    done = run("--model", directions_model, "--source", directions_video, *words)
    assert done.returncode == 2
    assert says in " ".join(done.stderr.replace("│", " ").split())


def test_whose_hands_count_and_how_soon_can_be_chosen(
    directions_model: Path, directions_video: Path, hand_models: HandModels
) -> None:
    for words in (("--follow", "nearest"), ("--follow", "largest", "--early")):
        done = run("--model", directions_model, "--source", directions_video, "--seconds", "1", *words)
        assert done.returncode == 0, done.stderr
        assert "16 frames" in done.stderr


def test_events_of_two_hands_in_one_frame_are_a_line_each() -> None:
    from handflow.cli.run import _write

    out = io.StringIO()
    events = tuple(GestureEvent("wave", 0.9, hand, k, 1.0, 1.5, 1.6, 48) for k, hand in enumerate(SIDES))
    assert _write(events, out) == 2
    assert [json.loads(line)["hand"] for line in out.getvalue().splitlines()] == ["left", "right"]
