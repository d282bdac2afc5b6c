"""`handflow evaluate` from its arguments to its exit code, with fake models."""

import _thread
import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import handflow.recognize
from data_samples import DIRECTIONS
from data_samples import clip as moved
from evaluate.recognizers import FakeRecognizer, clip, stream
from handflow.cli import main, teaching
from handflow.cli.evaluate import app
from handflow.data import write_archive
from handflow.evaluate import Provenance
from handflow.evaluate.clips import classify_clip
from handflow.recognize import SpotterConfig
from handflow.types import Clip

LABELS = ("background", "down", "left", "up")


class FakeModel(FakeRecognizer):
    """A fake recognizer with what model.json would say of it."""

    info = types.SimpleNamespace(thresholds=SpotterConfig().thresholds)


@pytest.fixture
def model(tmp_path, monkeypatch) -> Path:
    """A model folder that loads as a fake recognizer, trained on takes of ann."""
    folder = tmp_path / "model"
    folder.mkdir()
    trained = Provenance.of([clip(label, label, 1, "ann", "monday") for label in LABELS])
    (folder / "model.json").write_text(json.dumps({"trained_on": trained.document()}))
    monkeypatch.setattr(handflow.recognize, "load_recognizer", lambda path: FakeModel())
    return folder


def archive(path: Path, items) -> Path:
    write_archive(path, items)
    return path


def some_clips(subject="ben", session="friday", per_gesture=4):
    return [clip(label, label, 10 + n, subject, session) for label in LABELS for n in range(per_gesture)]


def run(*arguments, code=0):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def error(monkeypatch, capsys, *arguments) -> str:
    """The one line that `handflow evaluate …` ends with, at exit code 1."""
    monkeypatch.setattr(sys, "argv", ["handflow", "evaluate", *map(str, arguments)])
    with pytest.raises(SystemExit) as exit:
        main()
    assert exit.value.code == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("handflow: ")
    return lines[-1]


def test_clips_give_one_json_document_of_the_agreed_form(model, tmp_path):
    data = archive(
        tmp_path / "ben.npz", [*some_clips(), clip("up", "down", 50, "ben"), clip("up", None, 51, "ben")]
    )
    document = json.loads(run(model, data, "--json").stdout)
    assert set(document) == {"clips", "accuracy", "balanced_accuracy", "per_class", "confusion", "labels"}
    assert document["clips"] == 18
    assert document["accuracy"] == pytest.approx(16 / 18)
    assert document["labels"] == list(LABELS)
    assert document["confusion"][3] == [0, 1, 0, 4]


def test_clips_of_people_it_knows_are_marked(model, tmp_path):
    data = archive(tmp_path / "ann.npz", some_clips("ann", "monday"))
    result = run(model, data, "--json")
    notes = json.loads(result.stdout)["notes"]
    assert any("subject ann" in note for note in notes)
    assert any("session monday of ann" in note for note in notes)
    assert "Note:" in result.stderr


def test_clips_are_told_to_people_in_words(model, tmp_path):
    data = archive(tmp_path / "ben.npz", some_clips())
    result = run(model, data)
    assert "Of 16 takes by people it never saw, 16 were recognized." in result.stdout
    assert "down" in result.stdout and "4 of 4" in result.stdout


def test_only_some_gestures_are_measured(model, tmp_path):
    data = archive(tmp_path / "ben.npz", [*some_clips(), clip("wave", "up", 1, "ben")])
    assert json.loads(run(model, data, "--only", "up, down", "--json").stdout)["clips"] == 8


def test_out_holds_report_pictures_and_all_figures(model, tmp_path):
    data = archive(tmp_path / "ben.npz", some_clips())
    run(model, data, "--out", tmp_path / "report", "--plot", tmp_path / "c.png")
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert names == {"report.html", "confusion.png", "calibration.png", "evaluation.json"}
    details = json.loads((tmp_path / "report" / "evaluation.json").read_text())
    assert details["accuracy_interval"][1] == 1.0
    assert details["expected_calibration_error"] == pytest.approx(0.1, abs=1e-6)
    assert (tmp_path / "c.png").is_file()


def test_without_matplotlib_the_report_comes_without_pictures(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    data = archive(tmp_path / "ben.npz", some_clips())
    result = run(model, data, "--out", tmp_path / "report")
    assert '"handflow[train]"' in " ".join(result.stderr.split())
    assert {p.name for p in (tmp_path / "report").iterdir()} == {"report.html", "evaluation.json"}


def test_streams_give_one_json_document_of_the_agreed_form(model, tmp_path):
    one = stream([("up", 1, 1.6), ("left", 3, 3.5)], 6.0, "first")
    two = stream([("down", 1, 1.6)], 4.0, "second")
    data = archive(tmp_path / "s.npz", [one, two])
    result = run(model, data, "--protocol", "stream", "--json", "--out", tmp_path / "r")
    document = json.loads(result.stdout)
    assert set(document) == {
        "precision", "recall", "f1", "levenshtein_accuracy", "false_activations_per_hour", "hours", "latency",
        "per_gesture",
    }  # fmt: skip
    assert (document["f1"], document["levenshtein_accuracy"]) == (1.0, 1.0)
    assert document["hours"] == pytest.approx((6 + 4 - 2 / 30) / 3600)
    assert document["latency"]["offset_event"]["p50"] < 0
    assert {p.name for p in (tmp_path / "r").iterdir()} == {"report.html", "timeline.png", "evaluation.json"}


def test_untaught_gestures_in_streams_are_no_misses_but_events_on_them_are_false(model, tmp_path):
    data = archive(tmp_path / "s.npz", [stream([("up", 1, 1.6), ("left", 3, 3.5)], 6.0)])
    result = run(model, data, "--protocol", "stream", "--only", "up", "--json")
    document = json.loads(result.stdout)
    assert (document["recall"], document["precision"]) == (1.0, 1.0)
    assert "'left' (1 time in the streams)" in document["notes"][0]


def test_streams_of_people_it_knows_are_marked(model, tmp_path):
    data = archive(tmp_path / "s.npz", [stream([("up", 1, 1.6)], 4.0, subject="ann")])
    notes = json.loads(run(model, data, "--protocol", "stream", "--json").stdout)["notes"]
    assert notes == ["the model was also trained on ann: expect less for someone new"]


def test_streams_of_one_name_are_kept_apart(model, tmp_path):
    same = [stream([("up", 1, 1.6)], 4.0, "s"), stream([("left", 1, 1.6)], 4.0, "s")]
    data = archive(tmp_path / "s.npz", same)
    document = json.loads(
        run(model, data, "--protocol", "stream", "--json", "--plot", tmp_path / "t.png").stdout
    )
    assert document["recall"] == 1.0


class FakeTraining(types.ModuleType):
    """Stands in the place of handflow.train: a model is the labels it was shown."""

    def __init__(self) -> None:
        super().__init__("handflow.train")
        self.MODELS = {"landmark": None, "other": None}
        self.calls: list[tuple[str, list[str]]] = []
        self.interrupt_at = 0

    def configured(self, model, seed=0):
        return types.SimpleNamespace(model=model, seed=seed)

    def train_model(self, clips, config, out, *, dataset=None, report=None):
        self.calls.append((config.model, sorted(c.label for c in clips)))
        if len(self.calls) == self.interrupt_at:
            _thread.interrupt_main()  # Ctrl-C
            for epoch in range(1000):
                report(epoch + 1, 1000, {})
                __import__("time").sleep(0.01)
            raise AssertionError("training went on after Ctrl-C")
        report(1, 2, {})
        return out


@pytest.fixture
def training(monkeypatch) -> FakeTraining:
    module = FakeTraining()
    monkeypatch.setitem(sys.modules, "handflow.train", module)
    monkeypatch.setattr("handflow.cli.teaching.load_recognizer", lambda path: FakeModel())
    return module


def test_few_shot_teaches_k_of_each_and_reports_the_agreed_form(training, tmp_path):
    data = archive(tmp_path / "ben.npz", some_clips())
    result = run(
        data, "--protocol", "few-shot", "--shots", "2,1", "--repeats", "3", "--model", "other", "--json"
    )
    assert json.loads(result.stdout) == {
        "protocol": "few-shot",
        "labels": list(LABELS),
        "shots": {k: {"mean": 1.0, "std": 0.0, "worst": 1.0} for k in ("1", "2")},
    }
    assert {model for model, _ in training.calls} == {"other"}
    # one clip of each is doubled, for training sets some aside
    assert [len(labels) for _, labels in training.calls] == [8, 8] * 3


def test_leaving_one_subject_out_reports_the_agreed_form(training, tmp_path):
    data = archive(
        tmp_path / "all.npz", [*some_clips("ann"), *some_clips("ben"), clip("up", "down", 9, "ben")]
    )
    out = tmp_path / "r"
    arguments = ("--protocol", "leave-one-subject-out", "--model", "landmark")
    document = json.loads(run(data, *arguments, "--json", "--out", out).stdout)
    assert [model for model, _ in training.calls] == ["landmark", "landmark"]
    assert document["protocol"] == "leave-one-subject-out"
    assert document["subjects"] == {"ann": 1.0, "ben": pytest.approx(16 / 17)}
    assert document["worst"] == pytest.approx(16 / 17)
    assert document["mean"] == pytest.approx((1 + 16 / 17) / 2)
    assert np.sum(document["confusion"]) == 33
    assert {p.name for p in out.iterdir()} == {"report.html", "confusion.png", "evaluation.json"}


def test_interrupted_teaching_ends_at_once_and_reports_what_is_done(training, tmp_path):
    training.interrupt_at = 4
    data = archive(tmp_path / "ben.npz", some_clips())
    arguments = ("--model", "landmark", "--shots", "1", "--repeats", "9")
    result = run(data, "--protocol", "few-shot", *arguments, "--json", code=130)
    document = json.loads(result.stdout)
    assert document["notes"] == ["interrupted after 3 of 9 trainings"]
    assert document["shots"]["1"]["mean"] == 1.0
    assert len(training.calls) == 4


@pytest.fixture
def no_training(monkeypatch):
    """As if only the core were installed: nothing can import handflow.train."""
    monkeypatch.setitem(sys.modules, "handflow.train", None)


def swipes() -> list[Clip]:
    """Four takes of each direction by each of two people, whom a few-shot model can tell apart."""
    return [
        moved(f"{label}-{subject}-{k}", label, way, subject=subject, seed=10 * n + k)
        for n, subject in enumerate(("ann", "ben"))
        for label, way in DIRECTIONS.items()
        for k in range(4)
    ]


@pytest.mark.parametrize("kind", [[], ["--model", "few-shot"]], ids=["by itself", "named"])
def test_few_shot_is_what_a_protocol_teaches_and_needs_no_training(no_training, tmp_path, kind):
    data = archive(tmp_path / "swipes.npz", swipes())
    result = run(data, "--protocol", "few-shot", "--shots", "3,1", "--repeats", "2", *kind, "--json")
    document = json.loads(result.stdout)
    assert set(document) == {"protocol", "labels", "shots"}
    assert document["protocol"] == "few-shot"
    assert document["labels"] == sorted(DIRECTIONS)
    assert list(document["shots"]) == ["1", "3"]
    for score in document["shots"].values():
        assert set(score) == {"mean", "std", "worst"}
        assert 0.9 < score["worst"] <= score["mean"] <= 1


def test_the_seed_decides_which_takes_are_taught(no_training, tmp_path):
    takes = [
        *swipes(),
        *[moved(f"up-{k}", "up", DIRECTIONS["left"], subject="ann", seed=k) for k in (70, 71)],
    ]
    data = archive(tmp_path / "swipes.npz", takes)

    def measured(seed):
        arguments = ("--protocol", "few-shot", "--shots", "1", "--repeats", "3", "--seed", seed, "--json")
        return json.loads(run(data, *arguments).stdout)["shots"]["1"]

    assert measured(1) == measured(1)
    assert len({json.dumps(measured(seed)) for seed in range(4)}) > 1


def test_few_shot_is_taught_to_leave_each_subject_out(no_training, tmp_path):
    mistaken = moved("up-9", "up", DIRECTIONS["left"], subject="ben", seed=99)
    data = archive(tmp_path / "swipes.npz", [*swipes(), mistaken])
    out = tmp_path / "r"
    document = json.loads(run(data, "--protocol", "leave-one-subject-out", "--json", "--out", out).stdout)
    assert set(document) == {"protocol", "mean", "worst", "subjects", "confusion", "labels"}
    assert document["subjects"] == {"ann": 1.0, "ben": pytest.approx(12 / 13)}
    assert document["labels"] == sorted(DIRECTIONS)
    assert document["confusion"][document["labels"].index("up")] == [1, 0, 8]
    assert {p.name for p in out.iterdir()} == {"report.html", "confusion.png", "evaluation.json"}


def test_a_protocol_of_networks_without_torch_says_what_to_install(
    no_training, tmp_path, monkeypatch, capsys
):
    data = archive(tmp_path / "swipes.npz", swipes())
    line = error(monkeypatch, capsys, data, "--protocol", "few-shot", "--model", "landmark")
    assert "handflow[train]" in line


def test_interrupted_few_shot_reports_what_is_done(no_training, tmp_path, monkeypatch):
    taught, few_shot = [], teaching._few_shot

    def interrupted(dataset, on_epoch, cancelled):
        real = few_shot(dataset, on_epoch, cancelled)

        def teach(clips):
            taught.append(len(clips))
            if len(taught) == 3:
                _thread.interrupt_main()  # Ctrl-C
                assert cancelled.wait(60)
            return real(clips)

        return teach

    monkeypatch.setattr(teaching, "_few_shot", interrupted)
    data = archive(tmp_path / "swipes.npz", swipes())
    result = run(data, "--protocol", "few-shot", "--shots", "1", "--repeats", "9", "--json", code=130)
    assert json.loads(result.stdout)["notes"] == ["interrupted after 2 of 9 trainings"]
    assert len(taught) == 3


def test_a_gesture_of_one_person_alone_is_named(training, tmp_path):
    data = archive(
        tmp_path / "a.npz", [*some_clips("ann"), *[c for c in some_clips("ben") if c.label != "up"]]
    )
    result = run(data, "--protocol", "leave-one-subject-out")
    assert "only 'ann' made 'up'" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["DATA"], "needs a MODEL and a DATASET"),
        (["MODEL", "DATA", "--protocol", "few-shot"], "DATASET alone"),
        (["DATA", "--protocol", "few-shot", "--shots", "1,x"], "1,x"),
        (["DATA", "--protocol", "few-shot", "--shots", "0"], "'0'"),
        (["DATA", "--protocol", "few-shot", "--model", "nothing"], "few-shot, landmark, other"),
        (["DATA", "--protocol", "sideways"], "sideways"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_is_right(arguments, named, training, model, tmp_path):
    data = archive(tmp_path / "d.npz", some_clips())
    paths = {"DATA": data, "MODEL": model}
    assert named in " ".join(
        run(*[paths.get(a, a) for a in arguments], code=2).stderr.replace("│", "").split()
    )


def test_each_wrong_input_ends_in_one_line_with_the_remedy(model, training, tmp_path, monkeypatch, capsys):
    good = archive(tmp_path / "good.npz", some_clips())
    streams = archive(tmp_path / "streams.npz", [stream([("up", 1, 2)], 4.0)])
    wave = archive(tmp_path / "wave.npz", [clip("wave", "up", 1), clip("up", "up", 2)])
    nobody = archive(tmp_path / "nobody.npz", [clip(g, g, n) for g in LABELS for n in range(3)])
    (tmp_path / "torn.npz").write_bytes(good.read_bytes()[:500])
    for arguments, named in (
        ([model, tmp_path / "none.npz"], "none.npz"),
        ([model, tmp_path / "torn.npz"], "torn.npz"),
        ([model, wave], "not taught 'wave'"),
        ([model, good, "--only", "wave"], "no clips of 'wave'"),
        ([model, streams], "--protocol stream"),
        ([model, good, "--protocol", "stream"], "no continuous streams"),
        ([model, tmp_path, "--protocol", "stream"], "is a folder"),
        ([good, "--protocol", "few-shot", "--shots", "4"], "'background' has 4 clips"),
        ([nobody, "--protocol", "leave-one-subject-out"], "12 of 12 clips do not say who"),
        ([good, "--protocol", "leave-one-subject-out"], "all clips are by 'ben'"),
    ):
        assert named in error(monkeypatch, capsys, *arguments)


def test_a_missing_model_says_what_to_name(tmp_path, monkeypatch, capsys):
    data = archive(tmp_path / "d.npz", some_clips())
    assert "no trained model at" in error(monkeypatch, capsys, tmp_path / "nowhere", data)


def test_the_fake_model_answers_as_the_real_interface_does():
    assert classify_clip(FakeModel(), clip("up", "left"))[0] == "left"
