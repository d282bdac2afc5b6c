"""`handflow train` and `handflow export` as a user calls them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handflow.cli import app
from handflow.data import write_archive
from handflow.recognize import load_recognizer, read_model_info
from handflow.synth.clips import landmark_clips
from handflow.synth.person import random_person

runner = CliRunner()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    people = [random_person(k) for k in (31, 32, 33)]
    clips = list(landmark_clips(["hand_up", "hand_down", "background"], people, 3, 1, fps=15, seconds=1.2))
    path = tmp_path_factory.mktemp("data") / "clips.npz"
    write_archive(path, clips)
    return path


@pytest.fixture(scope="module")
def trained(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models")
    result = runner.invoke(app, ["train", str(archive), "--out", str(out), "--epochs", "2", "--seed", "3"])
    assert result.exit_code == 0, result.output
    return Path(result.stdout.strip().splitlines()[-1])


def test_the_last_line_names_a_model_that_runs(trained: Path) -> None:
    assert load_recognizer(trained).labels == ("hand_down", "hand_up", "background")
    assert read_model_info(trained).seed == 3


def test_json_is_one_document_and_progress_goes_elsewhere(archive: Path, tmp_path: Path) -> None:
    result = runner.invoke(
        app, ["train", str(archive), "--out", str(tmp_path), "--epochs", "1", "--val-by", "clip", "--json"]
    )
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    info = read_model_info(Path(document["model"]))
    assert document["labels"] == list(info.labels)
    assert document["held_out"] == "clip"
    assert document["accuracy"] == pytest.approx(info.evaluation.accuracy.mean)


def test_an_unknown_kind_of_model_lists_the_known_ones(archive: Path, tmp_path: Path) -> None:
    result = runner.invoke(app, ["train", str(archive), "--model", "lstm", "--out", str(tmp_path)])
    assert result.exit_code != 0
    assert "choose one of landmark" in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_a_missing_dataset_is_named(tmp_path: Path) -> None:
    result = runner.invoke(app, ["train", str(tmp_path / "none"), "--out", str(tmp_path / "models")])
    assert result.exit_code != 0
    assert "none" in str(result.exception)
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    "wrong", [["--epochs", "0"], ["--val-by", "moon"], ["--device", "tpu"], ["--window", "9"]]
)
def test_wrong_usage_ends_with_2(archive: Path, wrong: list[str]) -> None:
    assert runner.invoke(app, ["train", str(archive), *wrong]).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["--model", "landmark", "--input", "crop"], "--model lrcn or convlstm"),
        (["--model", "landmark", "--preset", "article"], "--preset article goes with lrcn or convlstm"),
        (["--model", "lrcn", "--input", "full"], "use --input mask"),
    ],
)
def test_options_of_image_networks_say_where_they_belong(
    archive: Path, tmp_path: Path, arguments: list[str], remedy: str
) -> None:
    result = runner.invoke(app, ["train", str(archive), "--out", str(tmp_path), *arguments])
    assert result.exit_code == 1
    assert remedy in str(result.exception)


@pytest.mark.parametrize("size", ["20x20", "160x2000", "large"])
def test_a_size_that_cannot_be_ends_with_2(archive: Path, size: str) -> None:
    assert runner.invoke(app, ["train", str(archive), "--model", "lrcn", "--size", size]).exit_code == 2


def test_export_writes_one_file(trained: Path, tmp_path: Path) -> None:
    result = runner.invoke(app, ["export", str(trained), "--out", str(tmp_path / "deep" / "hands.zip")])
    assert result.exit_code == 0, result.output
    assert result.stdout.strip().splitlines()[-1] == str(tmp_path / "deep" / "hands.zip")
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["hands.zip"]


def test_export_refuses_what_is_no_model(tmp_path: Path) -> None:
    result = runner.invoke(app, ["export", str(tmp_path), "--out", str(tmp_path / "x.zip")])
    assert result.exit_code != 0
    assert "handflow train" in str(result.exception)
    assert not (tmp_path / "x.zip").exists()
