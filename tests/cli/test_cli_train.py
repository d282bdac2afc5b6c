"""`handflow train` and `handflow export` as a user calls them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from handflow.cli import app
from handflow.data import load_clips, write_archive
from handflow.recognize import load_recognizer, read_model_info
from handflow.synth.clips import landmark_clips
from handflow.synth.person import random_person
from handflow.teach.memory import FewShotMemory

runner = CliRunner()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    people = [random_person(k) for k in (31, 32, 33)]
    clips = list(landmark_clips(["hand_up", "hand_down", "background"], people, 3, 1, fps=15, seconds=1.2))
    path = tmp_path_factory.mktemp("data") / "clips.npz"
    write_archive(path, clips)
    return path


@pytest.fixture(scope="module")
def single_takes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clips = list(landmark_clips(["hand_up", "hand_down"], [random_person(34)], 1, 1, fps=15, seconds=1.2))
    path = tmp_path_factory.mktemp("single") / "takes.npz"
    write_archive(path, clips)
    return path


@pytest.fixture(scope="module")
def enough_takes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Just enough for `--model auto` to compare: six takes of each gesture, by three people."""
    people = [random_person(k) for k in (35, 36, 37)]
    clips = list(landmark_clips(["hand_up", "hand_down"], people, 2, 1, fps=15, seconds=1.2))
    path = tmp_path_factory.mktemp("enough") / "takes.npz"
    write_archive(path, clips)
    return path


def train(dataset: Path, out: Path, *arguments: str, code: int = 0) -> Result:
    result = runner.invoke(app, ["train", str(dataset), "--out", str(out), *arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def said(result: Result) -> str:
    """What stands on stderr, without the frame and the line breaks of its words."""
    return " ".join(result.stderr.replace("│", "").split())


@pytest.fixture(scope="module")
def trained(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models")
    result = train(archive, out, "--model", "landmark", "--epochs", "2", "--seed", "3")
    return Path(result.stdout.strip().splitlines()[-1])


def test_the_last_line_names_a_model_that_runs(trained: Path) -> None:
    assert load_recognizer(trained).labels == ("hand_down", "hand_up", "background")
    assert read_model_info(trained).seed == 3


def test_json_is_one_document_and_progress_goes_elsewhere(archive: Path, tmp_path: Path) -> None:
    result = train(archive, tmp_path, "--model", "landmark", "--epochs", "1", "--val-by", "clip", "--json")
    document = json.loads(result.stdout)
    assert document["kind"] == "landmark"
    assert "advice" not in document
    info = read_model_info(Path(document["model"]))
    assert document["labels"] == list(info.labels)
    assert document["held_out"] == "clip"
    assert document["accuracy"] == pytest.approx(info.evaluation.accuracy.mean)


def test_few_shot_is_made_where_no_kind_is_named(archive: Path, tmp_path: Path) -> None:
    result = train(archive, tmp_path)
    folder = Path(result.stdout.strip().splitlines()[-1])
    assert list(tmp_path.iterdir()) == [folder]
    assert read_model_info(folder).kind == "few-shot"
    model = load_recognizer(folder)
    assert model.labels == ("hand_down", "hand_up", "background")
    assert model.classify(load_clips(archive)[0]).sum() == pytest.approx(1, abs=1e-5)


def test_few_shot_tells_what_its_takes_say_of_each_other(archive: Path, tmp_path: Path) -> None:
    result = train(archive, tmp_path)
    assert "Each take left out in turn" in result.stderr
    assert "of 27 were recognized by the others" in said(result)
    document = json.loads(train(archive, tmp_path, "--json").stdout)
    info = read_model_info(Path(document["model"]))
    assert document["accuracy"] == info.evaluation.accuracy.mean
    assert document["advice"]["expected_accuracy"] == document["accuracy"]
    assert document["advice"]["left_one_out"] == document["clips"] == 27


def test_a_single_take_of_each_gesture_makes_a_model_that_claims_no_accuracy(
    single_takes: Path, tmp_path: Path
) -> None:
    document = json.loads(train(single_takes, tmp_path, "--json").stdout)
    assert (document["accuracy"], document["std"], document["clips"]) == (None, None, 0)
    assert document["advice"]["examples"] == 2
    assert document["advice"]["expected_accuracy"] is None
    assert set(document["advice"]["needs_more"]) == {"hand_down", "hand_up"}
    model = load_recognizer(Path(document["model"]))
    for clip in load_clips(single_takes):
        assert model.labels[model.classify(clip).argmax()] == clip.label


def test_words_about_a_model_go_to_stderr_and_its_folder_alone_to_stdout(
    single_takes: Path, tmp_path: Path
) -> None:
    result = train(single_takes, tmp_path)
    assert result.stdout.strip() == str(next(tmp_path.iterdir()))
    assert "Each gesture has a single take" in said(result)
    assert "report.html" in said(result)


@pytest.mark.parametrize(
    "option",
    [
        ("--epochs", "3"),
        ("--preset", "article"),
        ("--batch", "8"),
        ("--val-by", "clip"),
        ("--input", "mask"),
        ("--frames", "8"),
        ("--size", "64x64"),
    ],
    ids=lambda option: option[0],
)
def test_few_shot_refuses_what_would_have_no_effect(
    archive: Path, tmp_path: Path, option: tuple[str, str]
) -> None:
    for named in ([], ["--model", "few-shot"]):
        words = said(train(archive, tmp_path, *named, *option, code=2))
        assert f"{option[0]} says how a network is trained" in words
        assert "--model landmark, lrcn or convlstm" in words
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seconds", ["0.3", "4.5"])
def test_a_window_that_few_shot_cannot_have_says_which_it_can(
    archive: Path, tmp_path: Path, seconds: str
) -> None:
    assert f"{seconds} s, expected 0.4 to 4.0" in said(train(archive, tmp_path, "--window", seconds, code=2))


def test_a_window_that_is_given_is_kept(single_takes: Path, tmp_path: Path) -> None:
    document = json.loads(train(single_takes, tmp_path, "--window", "2.5", "--json").stdout)
    assert document["window_seconds"] == 2.5
    assert load_recognizer(Path(document["model"])).window_seconds == 2.5


def test_few_shot_is_taught_where_torch_cannot_be_imported(single_takes: Path, tmp_path: Path) -> None:
    code = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "lightning", "array_api_compat"):
            raise ModuleNotFoundError(name + " is not installed", name=name)
sys.meta_path.insert(0, Absent())
sys.argv = ["handflow", "train", {str(single_takes)!r}, "--out", {str(tmp_path)!r}]
from handflow.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert load_recognizer(Path(done.stdout.strip())).labels == ("hand_down", "hand_up", "background")


def test_auto_takes_few_shot_without_comparing_where_clips_are_few(
    single_takes: Path, tmp_path: Path
) -> None:
    result = train(single_takes, tmp_path, "--model", "auto", "--json")
    document = json.loads(result.stdout)
    assert document["kind"] == "few-shot"
    why = "Chosen by --model auto: under 5 clips of a gesture: few-shot, nothing compared."
    assert document["notes"][0] == why
    assert why in said(result)
    assert read_model_info(Path(document["model"])).notes[0] == why


@pytest.mark.slow
def test_auto_compares_both_kinds_where_clips_are_enough(enough_takes: Path, tmp_path: Path) -> None:
    result = train(enough_takes, tmp_path, "--model", "auto", "--epochs", "1", "--val-by", "clip", "--json")
    document = json.loads(result.stdout)
    note = re.fullmatch(
        r"Chosen by --model auto: cross-validation on 12 clips by subject: "
        r"few-shot (\d+\.\d)%, landmark (\d+\.\d)%: (few-shot|landmark)\.",
        document["notes"][0],
    )
    assert note is not None, document["notes"]
    few, landmark = float(note[1]), float(note[2])
    assert document["kind"] == note[3] == ("landmark" if landmark > few else "few-shot")
    assert len(list(tmp_path.iterdir())) == 1  # the models of the comparison are gone


@pytest.mark.slow
def test_auto_trains_the_landmark_network_where_that_is_better(
    enough_takes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What few-shot says is put wrong, so that the network wins however little it has learned.
    monkeypatch.setattr(FewShotMemory, "teach", lambda memory, clips: lambda clip: None)
    document = json.loads(
        train(enough_takes, tmp_path, "--model", "auto", "--epochs", "1", "--val-by", "clip", "--json").stdout
    )
    assert document["kind"] == "landmark"
    assert "few-shot 0.0%, landmark" in document["notes"][0]
    assert read_model_info(Path(document["model"])).kind == "landmark"


def test_an_unknown_kind_of_model_lists_the_known_ones(archive: Path, tmp_path: Path) -> None:
    result = runner.invoke(app, ["train", str(archive), "--model", "lstm", "--out", str(tmp_path)])
    assert result.exit_code != 0
    assert "choose one of few-shot, auto, landmark" in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_a_missing_dataset_is_named(tmp_path: Path) -> None:
    result = runner.invoke(app, ["train", str(tmp_path / "none"), "--out", str(tmp_path / "models")])
    assert result.exit_code != 0
    assert "none" in str(result.exception)
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    "wrong", [["--epochs", "0"], ["--val-by", "moon"], ["--device", "tpu"], ["--window", "9"]]
)
def test_wrong_usage_ends_with_2(archive: Path, tmp_path: Path, wrong: list[str]) -> None:
    assert wrong[0] in said(train(archive, tmp_path, "--model", "landmark", *wrong, code=2))


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
