"""Training end to end: what lies in the model folder, that it knows people it never saw, what is refused."""

import csv
import json
import os
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from handflow.errors import TrainingError
from handflow.evaluate import evaluate_clips
from handflow.evaluate.facts import data_fingerprint
from handflow.recognize import load_recognizer, read_model_info
from handflow.recognize.package import pack_model
from handflow.synth.clips import make_clip
from handflow.synth.person import random_person
from handflow.train import TrainConfig, train_model, usable_clips
from handflow.train.landmark import example_features
from handflow.train.network import CalibratedNetwork, LandmarkNetwork, NetworkConfig, VotingNetwork
from handflow.types import Clip, HandSequence
from train.persons import persons_clips


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return persons_clips(40, persons=4, clips=4)


@pytest.fixture(scope="module")
def model(clips: list[Clip], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_model(
        clips, TrainConfig(epochs=14, seed=1, idle_minutes=5), tmp_path_factory.mktemp("models")
    )


def test_the_folder_holds_all_that_was_promised(model: Path, clips: list[Clip]) -> None:
    files = {p.name for p in model.iterdir()}
    pictures = {"loss.png", "confusion.png"}
    others = {"history.csv", "report.html", "result.json", "weights.safetensors"}
    assert files == {"model.onnx", "model.json"} | others | pictures
    info = read_model_info(model)
    date, _, kind, loss, accuracy = model.name.split("_")
    assert (len(date), kind) == (10, "landmark")
    assert float(loss.removeprefix("loss")) == pytest.approx(info.evaluation.loss, abs=1e-3)
    assert float(accuracy.removeprefix("acc")) == pytest.approx(info.evaluation.accuracy.mean, abs=1e-3)
    assert info.labels == ("hand_left", "hand_right", "background")
    assert 0.5 <= info.window_seconds <= 3
    assert info.evaluation.held_out == "subject"
    assert len(info.evaluation.subjects) == info.evaluation.accuracy.parts
    assert info.data_fingerprint == data_fingerprint(clips)
    with (model / "history.csv").open() as file:
        assert 4 <= len(list(csv.DictReader(file))) <= 14
    assert not [p for p in model.parent.iterdir() if p.name.startswith(".")]


def test_it_knows_the_gestures_of_people_it_never_saw(model: Path) -> None:
    result = evaluate_clips(load_recognizer(model), persons_clips(90, persons=3, clips=3))
    assert result.accuracy > 0.8


def test_weights_and_onnx_say_the_same(model: Path) -> None:
    recognizer = load_recognizer(model)
    network = LandmarkNetwork(NetworkConfig(labels=3))
    network.load_state_dict(load_file(model / "weights.safetensors"))
    clip = persons_clips(95, persons=1, clips=1)[0].sequence
    encoded = recognizer._encode(recognizer._window(clip, float(clip.timestamps[-1])))
    with torch.no_grad():
        logits = network.eval()(torch.from_numpy(encoded.features))[0]
    scores = recognizer._network(encoded.features)[0]
    # The temperature is all that lies between: ratios of log probabilities are those of the logits.
    ours = logits[:2].numpy() - logits[2].item()
    theirs = np.log(scores[:2]) - np.log(scores[2])
    temperature = ours / theirs
    assert temperature[0] == pytest.approx(temperature[1], rel=1e-2)
    again = CalibratedNetwork(network, float(temperature[0])).eval()
    with torch.no_grad():
        np.testing.assert_allclose(again(torch.from_numpy(encoded.features))[0].numpy(), scores, atol=1e-4)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(clips: list[Clip], tmp_path: Path) -> None:
    config = TrainConfig(epochs=2, seed=5, idle_minutes=1)
    one, two = (load_file(train_model(clips, config, tmp_path / k) / "weights.safetensors") for k in "ab")
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.slow
def test_without_background_it_can_still_say_none(tmp_path: Path) -> None:
    gestures = [c for c in persons_clips(40, persons=4, clips=4) if c.label != "background"]
    folder = train_model(gestures, TrainConfig(epochs=8, idle_minutes=1), tmp_path)
    info = read_model_info(folder)
    assert info.background == "derived"
    assert "background" in info.labels
    assert any("background" in note for note in info.notes)
    recognizer = load_recognizer(folder)
    # Live, a hand that only waits is none of them.
    wait = gestures[0].sequence
    first = int(np.flatnonzero(wait.seen.any(axis=1))[0])
    still = HandSequence(
        np.repeat(wait.landmarks[first : first + 1], 40, axis=0),
        np.arange(40) / 20,
        np.ones((40, 2), np.float32),
        np.ones((40, 2), np.float32),
    )
    scores = recognizer._network(recognizer._encode(recognizer._window(still, 39 / 20)).features)[0]
    assert recognizer.labels[int(scores.argmax())] == "background"


def without_hand(clip: Clip) -> Clip:
    s = clip.sequence
    blank = HandSequence(np.full_like(s.landmarks, np.nan), s.timestamps, s.handedness, s.presence)
    return replace(clip, sequence=blank)


def test_clips_without_a_hand_are_named_and_left_out(
    clips: list[Clip], caplog: pytest.LogCaptureFixture
) -> None:
    used = usable_clips([without_hand(clips[0]), *clips[1:]])
    assert len(used) == len(clips) - 1
    assert clips[0].id in caplog.text


@pytest.mark.parametrize(
    ("choose", "message"),
    [
        (lambda c: [], "no clips"),
        (lambda c: [x for x in c if x.label == "hand_left"], "all clips are of 'hand_left'"),
        (lambda c: [without_hand(x) for x in c], "none of the 48 clips shows a hand"),
        (lambda c: [x for x in c if x.label != "hand_left"] + [x for x in c if x.label == "hand_left"][:1],
         r"'hand_left' \(1\)"),
    ],
    ids=["empty", "one class", "no hands", "too few"],
)  # fmt: skip
def test_data_that_cannot_be_learned_is_one_clear_line(
    clips: list[Clip], tmp_path: Path, choose: object, message: str
) -> None:
    with pytest.raises(TrainingError, match=message) as raised:
        train_model(choose(clips), TrainConfig(), tmp_path / "models")  # type: ignore[operator]
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "models").exists()


def test_an_unknown_kind_lists_the_known_ones(clips: list[Clip], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="'lstm': choose one of landmark"):
        train_model(clips, TrainConfig(model="lstm"), tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="a process cannot send itself Ctrl-C on Windows alone")
def test_ctrl_c_keeps_the_best_model_so_far(clips: list[Clip], tmp_path: Path) -> None:
    def interrupt(epoch: int, most: int, row: object) -> None:
        if epoch == 2:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    folder = train_model(clips, TrainConfig(epochs=40, idle_minutes=1), tmp_path, report=interrupt)
    info = read_model_info(folder)
    assert any("interrupted after 2 epochs" in note for note in info.notes)
    assert load_recognizer(folder).classify(clips[0]).sum() == pytest.approx(1, abs=1e-5)
    assert signal.getsignal(signal.SIGINT) is before


def test_poses_that_takes_hold_still_are_noted_and_idle_hands_can_be_left_out(tmp_path: Path) -> None:
    takes = []
    for person in (random_person(300 + k) for k in range(3)):
        for gesture in ("hand_left", "hold_fist"):
            for seed in range(4):
                made = make_clip(gesture, person, seed, fps=15)
                assert made.onset is not None and made.offset is not None
                takes.append(replace(made.clip, stroke=(made.onset, made.offset)))
    info = read_model_info(train_model(takes, TrainConfig(epochs=2, idle_minutes=0), tmp_path))
    assert info.held == ("hold_fist",)
    assert info.spotter.held == {"hold_fist"}
    assert info.background == "derived"
    assert 0.2 < info.gesture_seconds["hand_left"] < 1.2


def test_idle_moments_that_are_taken_for_gestures_are_searched_on_the_way(
    clips: list[Clip], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="handflow.train")
    few = [c for c in clips if c.subject in {clips[0].subject, clips[-1].subject}]
    train_model(few, TrainConfig(epochs=6, idle_minutes=1), tmp_path)
    said = [r.getMessage() for r in caplog.records if "idle moments are taken" in r.getMessage()]
    assert len(said) == 3  # after the first, second and third sixth
    assert int(said[0].split()[0]) > 0  # a network that has hardly begun takes many


def test_nothing_is_left_where_writing_fails(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("handflow.train.models.write_report", full)
    with pytest.raises(OSError, match="No space"):
        train_model(clips, TrainConfig(epochs=1, idle_minutes=0.5), tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_the_package_runs_without_handflow(model: Path, clips: list[Clip], tmp_path: Path) -> None:
    packed = pack_model(model, tmp_path / "gestures.zip")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "there")
    sequence = clips[0].sequence
    np.savez(tmp_path / "clip.npz", landmarks=sequence.landmarks, timestamps=sequence.timestamps)
    code = (
        "import sys, json, numpy as np; sys.modules['handflow'] = None; sys.modules['torch'] = None\n"
        "from load import Model\n"
        f"clip = np.load(r'{tmp_path / 'clip.npz'}')\n"
        "print(json.dumps(Model().scores(clip['landmarks'], clip['timestamps'])))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "there", check=True, capture_output=True, text=True
    )
    recognizer = load_recognizer(model)
    end = float(sequence.timestamps[-1])
    here = recognizer._network(recognizer._encode(recognizer._window(sequence, end)).features)
    assert json.loads(run.stdout) == pytest.approx(
        dict(zip(recognizer.labels, here[0].tolist(), strict=True)), abs=1e-5
    )


def test_members_vote_and_their_history_is_told(clips: list[Clip], tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    config = TrainConfig(epochs=3, seed=3, idle_minutes=1, members=2)
    folder = train_model(clips, config, tmp_path, report=lambda n, most, _: seen.append((n, most)))
    assert seen == [(n, 6) for n in range(1, 7)]
    weights = load_file(folder / "weights.safetensors")
    assert not torch.equal(weights["members.0.squeeze.weight"], weights["members.1.squeeze.weight"])
    network = VotingNetwork([LandmarkNetwork(NetworkConfig(labels=3)) for _ in range(2)])
    network.load_state_dict(weights)
    example = example_features()[1:2]
    with torch.no_grad():
        each = [torch.log_softmax(member.eval()(example), dim=1) for member in network.members]
        torch.testing.assert_close(network.eval()(example), (each[0] + each[1]) / 2)
    scores = torch.from_numpy(load_recognizer(folder)._network(example.numpy()))
    assert scores.argmax() == ((each[0] + each[1]) / 2).argmax()


@pytest.mark.skipif(os.name == "nt", reason="a process cannot send itself Ctrl-C on Windows alone")
def test_ctrl_c_in_a_later_member_keeps_the_earlier_ones(clips: list[Clip], tmp_path: Path) -> None:
    def interrupt(epoch: int, most: int, row: object) -> None:
        if epoch == 4:
            signal.raise_signal(signal.SIGINT)

    config = TrainConfig(epochs=3, seed=3, idle_minutes=1, members=3)
    folder = train_model(clips, config, tmp_path, report=interrupt)
    members = {name.split(".")[1] for name in load_file(folder / "weights.safetensors")}
    assert members == {"0", "1"}
    assert any("interrupted after 4 epochs" in note for note in read_model_info(folder).notes)
