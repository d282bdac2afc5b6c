"""import, extract, check and review as commands: exit codes, one-line errors, JSON on stdout."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from data_samples import clip, make_dataset, write_article, write_video
from handflow.cli import main
from handflow.data import Dataset, write_archive
from handflow.hands import HandLandmarkerConfig


@dataclass(frozen=True)
class Result:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def handflow(monkeypatch, capsys, tmp_path):
    """Runs the command line in this process, in the test's folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["handflow", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Result(ended.value.code or 0, *capsys.readouterr())

    return run


def assert_one_clear_line(result, *words):
    assert result.returncode == 1, result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("handflow: ")]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in lines[0]


def test_the_way_of_an_import(tmp_path, handflow):
    write_article(tmp_path / "data", {"wave": ["s1", "s2"], "fist": ["s1"]})
    (tmp_path / "data/wave/s1/wave_sequence1_frame1.jpg").write_bytes(b"")
    result = handflow("import", "data", "ds", "--subject", "anna", "--fps", "15", "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["kind"] == "article"
    assert document["added"] == ["fist-s1", "wave-s1", "wave-s2"]
    assert len(document["skipped"]) == 1
    assert "frame1.jpg" in result.stderr
    entries = Dataset.open(tmp_path / "ds").entries()
    assert {(e.subject, e.assumed_fps) for e in entries} == {("anna", 15.0)}

    again = handflow("import", "data", "ds")
    assert again.returncode == 0
    assert "3 were there already" in again.stdout

    checked = handflow("check", "ds", "--json")
    kinds = {f["kind"] for f in json.loads(checked.stdout)["findings"]}
    assert "no landmarks" in kinds


def test_check_exits_with_1_while_problems_stay(tmp_path, handflow):
    dataset = make_dataset(tmp_path / "ds")
    assert handflow("check", "ds").returncode == 0
    (dataset.find("left-1").path / "landmarks.npz").write_bytes(b"")
    named = handflow("check", "ds")
    assert named.returncode == 1
    assert "left/left-1" in named.stdout
    assert "Traceback" not in named.stderr
    fixed = handflow("check", "ds", "--fix", "--json")
    assert fixed.returncode == 0
    (finding,) = json.loads(fixed.stdout)["findings"]
    assert finding["kind"] == "damaged"
    assert finding["fixed"] is True
    assert handflow("review", "ds", "--undo").stdout.startswith("brought back 'left-1'")
    assert handflow("check", "ds").returncode == 1


def test_review_writes_a_page_and_changes_clips(tmp_path, handflow):
    make_dataset(tmp_path / "ds")
    page = handflow("review", "ds", "--out", "page.html")
    assert page.returncode == 0
    assert (tmp_path / "page.html").stat().st_size > 10_000
    changed = handflow("review", "ds", "--relabel", "left-0=right", "--delete", "left-1")
    assert changed.returncode == 0, changed.stderr
    dataset = Dataset.open(tmp_path / "ds")
    assert dataset.find("left-0").label == "right"
    assert "left-1" not in dataset
    for _ in range(2):
        assert handflow("review", "ds", "--undo").returncode == 0
    assert dataset.find("left-0").label == "left"
    assert "left-1" in dataset


def test_extract_with_nothing_to_do_says_so(tmp_path, handflow):
    make_dataset(tmp_path / "ds", takes=1)
    result = handflow("extract", "ds", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {"done": [], "kept": 2, "failed": [], "without_hands": []}
    (tmp_path / "ds/clips/left/left-0/clip.json").write_text("{")
    assert_one_clear_line(handflow("extract", "ds"), "check --fix")


def test_extract_brings_videos_in_one_pass(tmp_path, handflow, hand_models, lite_models):
    for name in "ab":
        write_video(tmp_path / f"vid/wave/{name}.avi", 3)
    (tmp_path / "vid/wave/c.avi").write_bytes(b"damaged")
    result = handflow("extract", "ds", "--from", "vid", "--subject", "anna", "-j", "1", "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert sorted(document["added"]) == sorted(document["without_hands"]) == ["wave-a", "wave-b"]
    assert [s["path"] for s in document["skipped"]] == [str(Path("vid/wave/c.avi"))]
    assert "skipped vid/wave/c.avi" in result.stderr.replace("\\", "/")
    assert "2 were there already" in handflow("extract", "ds", "--from", "vid", "-j", "1").stdout

    lite = handflow("extract", "ds", "--hand-model", "lite", "-j", "1")
    assert "2 clips done" in lite.stdout, lite.stderr
    dataset = Dataset.open(tmp_path / "ds")
    assert {dataset.landmarks(e).landmarker for e in dataset.entries()} == {
        HandLandmarkerConfig(model="lite").version
    }
    assert {e.subject for e in dataset.entries()} == {"anna"}


@pytest.mark.parametrize(
    "more", [["--no-frames"], ["--fps", "15"], ["--mirrored"], ["--subject", "anna"], ["--hand-model", "big"]]
)
def test_options_that_do_not_fit_are_wrong_usage(tmp_path, handflow, more):
    make_dataset(tmp_path / "ds", takes=1)
    result = handflow("extract", "ds", *more)
    assert result.returncode == 2
    assert more[0] in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["import", "absent", "new"], ["absent", "no such file or folder"]),
        (["import", "ds", "new"], ["no layout that can be imported"]),
        (["import", "broken.npz", "new"], ["broken.npz", "damaged"]),
        (["import", "ok.npz", "full"], ["full", "no empty folder"]),
        (["import", "ok.npz", "new", "--fps", "0"], ["--fps"]),
        (["import", "ok.npz", "new", "--kind", "zip"], ["archive, article, videos"]),
        (["extract", "absent"], ["no such folder"]),
        (["extract", "new", "--from", "absent"], ["absent", "no such file or folder"]),
        (["extract", "new", "--from", "ok.npz"], ["ok.npz", "handflow import"]),
        (["extract", "new", "--from", "ds"], ["no layout that can be imported"]),
        (["check", "absent"], ["no such folder"]),
        (["review", "absent"], ["no such folder"]),
        (["review", "ds", "--delete", "ghost"], ["no clip 'ghost'"]),
        (["review", "ds", "--relabel", "left-0=sideways"], ["no gesture 'sideways'", "left, right"]),
        (["review", "ds", "--undo"], ["nothing to undo"]),
        (["check", "newer"], ["update handflow"]),
    ],
)
def test_a_mistake_ends_in_one_clear_line(tmp_path, handflow, arguments, words):
    make_dataset(tmp_path / "ds", takes=1)
    write_archive(tmp_path / "ok.npz", [clip("a")])
    (tmp_path / "broken.npz").write_bytes(b"PK\3\4")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/diary.txt").write_text("mine")
    (tmp_path / "newer").mkdir()
    (tmp_path / "newer/dataset.json").write_text('{"format_version": 7}')
    assert_one_clear_line(handflow(*arguments), *words)
    assert not (tmp_path / "new").exists()
