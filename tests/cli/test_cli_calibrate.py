"""`handflow calibrate` with a real few-shot model and streams of virtual persons, to its exit code."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data_samples import make_dataset
from handflow.cli import main
from handflow.cli.calibrate import app
from handflow.data import Dataset, write_archive
from handflow.evaluate.operating_points import GRID
from handflow.recognize import load_recognizer, read_model_info
from handflow.recognize.model_folder import INFO_FILE, replace_model_info
from handflow.recognize.spotter import Threshold
from handflow.synth.clips import landmark_clips, random_numbers
from handflow.synth.noise import add_tracker_noise
from handflow.synth.person import random_person
from handflow.synth.streams import make_stream
from handflow.teach import teach_model
from handflow.types import BACKGROUND, Stream

GESTURES = ("hand_left", "hand_right", "hold_fist")
FPS = 12


def watched(gestures: tuple[str, ...], person: int, seconds: float) -> Stream:
    """A stream of a virtual person as a tracker sees it."""
    stream = make_stream(gestures, random_person(person), person, seconds=seconds, fps=FPS).stream
    noisy = add_tracker_noise(stream.sequence, random_numbers(person, 3), frame_size=stream.frame_size)
    return replace(stream, sequence=noisy)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    persons = [random_person(k) for k in (5, 9)]
    clips = list(landmark_clips(GESTURES, persons, 3, seed=1, fps=15, seconds=1.5))
    return teach_model(clips, tmp_path_factory.mktemp("models")).folder


@pytest.fixture
def model(taught: Path, tmp_path: Path) -> Path:
    """A copy of the model whose thresholds fire easily."""
    folder = tmp_path / "model"
    shutil.copytree(taught, folder)
    info = read_model_info(folder)
    easy = {gesture: Threshold(0.3, 0.2) for gesture in info.thresholds}
    replace_model_info(folder, info.model_copy(update={"thresholds": easy}))
    return folder


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Archives: idle hands, and hands that make gestures."""
    folder = tmp_path_factory.mktemp("streams")
    paths = {"idle": folder / "idle.npz", "gestures": folder / "gestures.npz"}
    write_archive(paths["idle"], [watched((), 611 + k, 12.0) for k in range(2)])
    write_archive(paths["gestures"], [watched(GESTURES, 621, 14.0)])
    return paths


def run(*arguments: object, code: int = 0):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def error(monkeypatch: pytest.MonkeyPatch, capsys, *arguments: object, code: int = 1) -> str:
    """What `handflow calibrate …` ends with, on stderr."""
    monkeypatch.setattr(sys, "argv", ["handflow", "calibrate", *map(str, arguments)])
    with pytest.raises(SystemExit) as exit:
        main()
    assert exit.value.code == code
    return " ".join(capsys.readouterr().err.split())


def test_thresholds_are_stored_with_how_they_were_found(model: Path, streams: dict[str, Path]) -> None:
    before = read_model_info(model)
    result = run(
        model, "--background", streams["idle"], "--gestures", streams["gestures"],
        "--false-alarms-per-hour", 60, "--json",
    )  # fmt: skip
    document = json.loads(result.stdout)
    info = read_model_info(model)
    assert document["stored"] is True
    assert {g: t.enter for g, t in info.thresholds.items()} == {
        g: said["enter"] for g, said in document["gestures"].items()
    }
    own = {t.enter for t in before.thresholds.values()}
    assert all(t.enter in {*GRID, *own} for t in info.thresholds.values())
    calibration = info.calibration
    assert calibration is not None
    assert calibration.before == before.thresholds
    assert (
        calibration.hours == pytest.approx(document["hours"], abs=1e-4) == pytest.approx(38 / 3600, rel=0.02)
    )
    assert (calibration.wanted, calibration.found) == (
        60,
        pytest.approx(document["false_activations_per_hour"], abs=1e-3),
    )
    assert len(calibration.subjects) == 3
    # Nothing else of the model has changed, and it runs with them.
    same = {"thresholds": before.thresholds, "calibration": None}
    assert info.model_copy(update=same) == before
    assert load_recognizer(model).spotter().config.thresholds == info.thresholds


def test_the_json_document_has_the_agreed_form(model: Path, streams: dict[str, Path]) -> None:
    document = json.loads(run(model, "--background", streams["gestures"], "--dry-run", "--json").stdout)
    assert set(document) - {"notes"} == {
        "hours", "wanted_per_hour", "false_activations_per_hour", "upper_95", "reached", "gestures", "rivals",
        "stored",
    }  # fmt: skip
    assert set(document["gestures"]) == set(GESTURES)
    for said in document["gestures"].values():
        assert set(said) == {"enter", "leave", "false_activations", "made", "recognized"}
        assert set(said["false_activations"]) == set(said["recognized"]) == {"before", "after"}
        assert 0 < said["leave"] < said["enter"] < 1
        assert 0 <= said["recognized"]["after"] <= said["made"]
    assert document["wanted_per_hour"] == 0.5
    assert document["upper_95"] > document["false_activations_per_hour"] >= 0
    assert document["reached"] == (document["false_activations_per_hour"] <= 0.5)
    after = sum(said["false_activations"]["after"] for said in document["gestures"].values())
    assert document["false_activations_per_hour"] == pytest.approx(after / document["hours"])
    assert any("hours of background are little" in note for note in document["notes"])


def test_a_dry_run_says_it_and_changes_nothing(model: Path, streams: dict[str, Path]) -> None:
    files = {path: path.read_bytes() for path in model.iterdir() if path.is_file()}
    result = run(model, "--background", streams["idle"], "--dry-run")
    assert {path: path.read_bytes() for path in model.iterdir() if path.is_file()} == files
    for gesture in GESTURES:
        assert gesture in result.stdout
    assert "false activations an hour before" in result.stdout
    assert "stored" not in result.output


def test_calibration_replaces_sensitivity_and_begins_from_it(model: Path) -> None:
    info = read_model_info(model)
    gesture = next(iter(info.thresholds))
    replace_model_info(model, info.model_copy(update={"sensitivity": {gesture: 1.0}}))
    dataset = Dataset.create(model.parent / "idle")
    dataset.add(next(iter(landmark_clips((BACKGROUND,), [random_person(631)], 1, 0, fps=FPS))))
    run(model, "--background", dataset.path)
    calibrated = read_model_info(model)
    assert calibrated.sensitivity == {} and calibrated.calibration is not None
    assert calibrated.calibration.before[gesture] == info.thresholds[gesture].tuned(1.0)


def test_undo_brings_back_what_held_before_the_first_calibration(model: Path) -> None:
    before, text = read_model_info(model), (model / INFO_FILE).read_bytes()
    dataset = Dataset.create(model.parent / "set")
    dataset.add(next(iter(landmark_clips((BACKGROUND,), [random_person(631)], 1, 0, fps=FPS))))
    for wanted in (0.5, 500):
        run(model, "--background", dataset.path, "--false-alarms-per-hour", wanted)
    calibration = read_model_info(model).calibration
    assert calibration is not None and calibration.before == before.thresholds
    assert (model / INFO_FILE).read_bytes() != text
    run(model, "--undo")
    assert read_model_info(model) == before
    assert (model / INFO_FILE).read_bytes() == text


def test_fewer_false_activations_are_left_than_there_were(model: Path, streams: dict[str, Path]) -> None:
    # Hands that make gestures the model does not know, or nothing: all it says is false.
    path = model.parent / "other.npz"
    write_archive(path, [replace(watched(GESTURES, 641, 14.0), segments=())])
    result = run(model, "--background", path, "--false-alarms-per-hour", 1, "--json")
    document = json.loads(result.stdout)
    before, after = (
        sum(said["false_activations"][when] for said in document["gestures"].values())
        for when in ("before", "after")
    )
    assert before > 0
    assert after < before
    assert document["reached"] == (after == 0)
    assert document["reached"] or any("are not reached" in note for note in document["notes"])


def test_people_the_model_was_trained_on_are_named(model: Path) -> None:
    path = model.parent / "known.npz"
    known = random_person(5)
    write_archive(path, [replace(watched((), 5, 3.0), subject=known.name)])
    document = json.loads(run(model, "--background", path, "--dry-run", "--json").stdout)
    assert any(f"also trained on {known.name}" in note for note in document["notes"])
    assert any("no gestures were shown" in note for note in document["notes"])


# Errors


def test_background_must_be_named(model: Path, monkeypatch, capsys) -> None:
    said = error(monkeypatch, capsys, model, code=2)
    assert "--background STREAMS" in said and "handflow record" in said


def test_a_dataset_without_background_says_how_to_record_some(model: Path, monkeypatch, capsys) -> None:
    dataset = make_dataset(model.parent / "set", takes=1)
    said = error(monkeypatch, capsys, model, "--background", dataset.path)
    assert said.startswith("handflow: ") and "holds no 'background' clips" in said
    assert "handflow record" in said and "--background" in said


def test_what_is_missing_or_empty_is_named(model: Path, monkeypatch, capsys) -> None:
    nowhere = model.parent / "nowhere"
    assert str(nowhere) in error(monkeypatch, capsys, model, "--background", nowhere)
    assert "nowhere.npz" in error(monkeypatch, capsys, model, "--background", f"{nowhere}.npz")
    Dataset.create(model.parent / "empty")
    assert "holds no clips" in error(monkeypatch, capsys, model, "--background", model.parent / "empty")
    assert "no trained model" in error(monkeypatch, capsys, nowhere, "--background", nowhere)
    assert "nothing to undo" in error(monkeypatch, capsys, model, "--undo")
    said = error(monkeypatch, capsys, model, "--background", nowhere, "--false-alarms-per-hour", 0, code=2)
    assert "--false-alarms-per-hour" in said


def test_gestures_that_the_model_does_not_know_are_refused(
    model: Path, streams: dict[str, Path], monkeypatch, capsys
) -> None:
    dataset = make_dataset(model.parent / "set", takes=1, gestures=("left", "up"))
    said = error(monkeypatch, capsys, model, "--background", streams["idle"], "--gestures", dataset.path)
    assert "shows none of the model's gestures" in said and "hand_left" in said


def test_models_of_pictures_are_refused(model: Path, streams: dict[str, Path], monkeypatch, capsys) -> None:
    class Seeing:
        needs_pictures = True

    monkeypatch.setattr("handflow.recognize.load_recognizer", lambda path: Seeing())
    said = error(monkeypatch, capsys, model, "--background", streams["idle"])
    assert "looks at pictures" in said


def test_an_interrupted_calibration_leaves_the_model_as_it_was(
    model: Path, streams: dict[str, Path], monkeypatch
) -> None:
    text = (model / INFO_FILE).read_bytes()

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("handflow.evaluate.operating_points.choose_thresholds", interrupted)
    result = CliRunner().invoke(app, [str(model), "--background", str(streams["idle"])])
    assert result.exit_code != 0
    assert (model / INFO_FILE).read_bytes() == text
    assert not [path for path in model.iterdir() if path.name.startswith(".")]
