"""`handflow synth` writes what it says, goes on where it stopped and leaves nothing half-written."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from handflow.capture import open_source
from handflow.cli.synth import app
from handflow.data import Dataset, load_clips, read_archive
from handflow.types import BACKGROUND
from needs import need


def synth(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result.output if code else result.stdout


def test_a_dataset_of_landmarks_holds_every_clip_and_its_truth(tmp_path: Path) -> None:
    out = tmp_path / "data"
    synth(
        "--out",
        out,
        "--no-pixels",
        "--gestures",
        "hand_left,hand_right,background",
        "--persons",
        2,
        "--clips",
        2,
    )
    clips = load_clips(out)
    truth = {t["id"]: t for t in json.loads((out / "truth.json").read_text())["clips"]}
    assert len(clips) == 12
    assert {c.label for c in clips} == {"hand_left", "hand_right", BACKGROUND}
    assert len({c.subject for c in clips}) == 2
    assert Dataset.open(out).flip_map["hand_left"] == "hand_right"
    for clip in clips:
        about = truth[clip.id]
        assert about["gesture"] == clip.label
        if clip.label == BACKGROUND:
            assert about["onset"] is None
        else:
            assert 0 <= about["onset"] < about["offset"] <= clip.sequence.duration + 0.1


def test_a_run_goes_on_where_it_stopped_and_changes_nothing_that_is_there(tmp_path: Path) -> None:
    run = ("--no-pixels", "--gestures", "wave,push", "--persons", 1, "--clips", 3, "--json")
    first = json.loads(synth("--out", tmp_path / "a", *run))
    assert (first["clips"], first["new"]) == (6, 6)
    whole = {c.id: c for c in load_clips(tmp_path / "a")}
    gone = Dataset.open(tmp_path / "a").entries()[2]
    shutil.rmtree(gone.path)
    again = json.loads(synth("--out", tmp_path / "a", *run))
    assert again["new"] == 1
    for clip in load_clips(tmp_path / "a"):
        np.testing.assert_array_equal(clip.sequence.landmarks, whole[clip.id].sequence.landmarks)


def test_another_seed_adds_other_persons_and_keeps_the_truth_of_the_first(tmp_path: Path) -> None:
    run = ("--out", tmp_path, "--no-pixels", "--gestures", "wave", "--persons", 1, "--clips", 1)
    synth(*run, "--seed", 1)
    synth(*run, "--seed", 2)
    clips = load_clips(tmp_path)
    assert len({c.subject for c in clips}) == 2
    assert {t["id"] for t in json.loads((tmp_path / "truth.json").read_text())["clips"]} == {
        c.id for c in clips
    }


def test_pictures_of_several_processes_are_those_of_one(tmp_path: Path) -> None:
    run = (
        "--gestures",
        "grab",
        "--persons",
        1,
        "--clips",
        2,
        "--seconds",
        0.3,
        "--fps",
        10,
        "--size",
        "160x120",
    )
    synth("--out", tmp_path / "one", *run, "--jobs", 1)
    synth("--out", tmp_path / "two", *run, "--jobs", 2)
    one, two = Dataset.open(tmp_path / "one"), Dataset.open(tmp_path / "two")
    assert len(one.entries()) == len(two.entries()) == 2
    for a, b in zip(one.entries(), two.entries(), strict=True):
        left, right = list(one.frames(a)), list(two.frames(b))
        assert len(left) == len(one.load(a).sequence) == 3
        assert left[0].size == (160, 120)
        for f, g in zip(left, right, strict=True):
            np.testing.assert_array_equal(f.image, g.image)
            assert f.timestamp == g.timestamp


def test_pictures_alone_wait_for_extract(tmp_path: Path) -> None:
    synth(
        *("--out", tmp_path, "--gestures", "wave", "--persons", 1, "--clips", 1, "--landmarks", "none"),
        *("--seconds", 0.2, "--fps", 10, "--size", "80x60"),
    )
    (entry,) = Dataset.open(tmp_path).entries()
    assert entry.has_frames
    assert not entry.has_landmarks


def test_streams_come_as_an_archive_with_their_segments(tmp_path: Path) -> None:
    synth("--out", tmp_path, "--kind", "streams", "--persons", 2, "--clips", 1, "--seconds", 20, "--fps", 15)
    streams = read_archive(tmp_path / "streams.npz").streams
    truth = json.loads((tmp_path / "truth.json").read_text())["streams"]
    assert len(streams) == len(truth) == 2
    for stream, about in zip(streams, truth, strict=True):
        assert stream.sequence.duration == pytest.approx(20, abs=0.2)
        assert [s.label for s in stream.segments] == [s["gesture"] for s in about["segments"]]
        assert len(stream.segments) >= 2


def test_noisy_landmarks_are_near_the_exact_ones(tmp_path: Path) -> None:
    run = ("--no-pixels", "--gestures", "hold_open", "--persons", 1, "--clips", 1)
    synth("--out", tmp_path / "exact", *run)
    synth("--out", tmp_path / "noisy", *run, "--landmarks", "noisy")
    (a,), (b,) = load_clips(tmp_path / "exact"), load_clips(tmp_path / "noisy")
    error = np.abs(a.sequence.landmarks - b.sequence.landmarks)[..., :2]
    assert 0.1 < np.nanmean(error) < 5


def test_a_video_lies_beside_its_truth(tmp_path: Path) -> None:
    run = (
        "--out",
        tmp_path,
        "--kind",
        "videos",
        "--persons",
        1,
        "--clips",
        1,
        "--seconds",
        3,
        "--size",
        "160x120",
    )
    synth(*run, "--gestures", "hand_up", "--fps", 10)
    (video,) = tmp_path.glob("*.mp4")
    truth = json.loads(video.with_suffix(".json").read_text())
    (stream,) = read_archive(video.with_suffix(".npz")).streams
    with open_source(video) as source:
        frames = list(source)
    assert len(frames) == len(truth["timestamps"]) == len(stream.sequence)
    np.testing.assert_allclose([f.timestamp for f in frames], truth["timestamps"], atol=0.002)
    assert "1 videos, 0 new" in synth(*run, "--gestures", "hand_up", "--fps", 10)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--gestures", "jump"), "hand_up"),
        (("--kind", "books"), "dataset"),
        (("--size", "big"), "320x240"),
        (("--size", "0x9000"), "16 to 4096"),
        (("--landmarks", "perfect"), "exact"),
        (("--landmarks", "none", "--no-pixels"), "nothing"),
        (("--persons", "0"), "1"),
    ],
)
def test_wrong_usage_names_the_choices_and_writes_nothing(
    arguments: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    output = synth("--out", tmp_path / "new", *arguments, code=2)
    assert told in output
    assert not (tmp_path / "new").exists()


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    done = subprocess.run(
        [sys.executable, "-m", "handflow", "synth", "--out", tmp_path, "--no-pixels", "--clips", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_an_interrupted_run_keeps_whole_clips_and_their_truth(tmp_path: Path) -> None:
    need(os.name == "posix", "interrupts are sent by signal: run on Linux or macOS")
    out = tmp_path / "data"
    arguments = ["--out", str(out), "--no-pixels", "--gestures", "wave", "--persons", "3000", "--clips", "3"]
    process = subprocess.Popen(
        [sys.executable, "-m", "handflow", "synth", *arguments], stderr=subprocess.PIPE, text=True
    )
    waited = time.monotonic()
    while len(list(out.glob("clips/wave/*/clip.json"))) < 3:
        assert process.poll() is None
        assert time.monotonic() - waited < 60
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in told
    entries, damaged = Dataset.open(out).scan()
    assert not damaged
    assert 3 <= len(entries) < 9000
    truth = json.loads((out / "truth.json").read_text())["clips"]
    assert {t["id"] for t in truth} == {e.id for e in entries}
    assert not list(out.rglob(".partial*"))
