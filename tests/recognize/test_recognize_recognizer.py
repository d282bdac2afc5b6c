"""The recognizer: the same scores live as on the whole clip; every broken model folder is one clear line."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from handflow.errors import ModelFileError
from handflow.recognize import ModelInfo, Recognizer, Threshold, load_recognizer, read_model_info
from handflow.recognize.features import FEATURE_VERSION, SHAPE_CHANNELS
from handflow.recognize.model_folder import Evaluation, Spread, write_model_info
from handflow.synth.clips import make_clip
from handflow.synth.person import random_person
from handflow.types import RIGHT, Clip, HandSequence

LABELS = ("hand_left", "hand_right", "background")


def model_info(**changes: object) -> ModelInfo:
    fields: dict[str, object] = {
        "kind": "landmark",
        "created": "2026-01-01T00:00:00+00:00",
        "labels": LABELS,
        "window_seconds": 0.8,
        "thresholds": {g: Threshold(0.7, 0.4) for g in LABELS[:2]},
        "gesture_seconds": dict.fromkeys(LABELS[:2], 0.5),
        "evaluation": Evaluation(
            held_out="clip", clips=4, accuracy=Spread(mean=1, std=0, parts=1), balanced_accuracy=1, loss=0.1
        ),
        "parameters": 1,
        "seed": 0,
        "data_fingerprint": "0" * 64,
        "trained_clips": dict.fromkeys(LABELS, 4),
        "versions": {},
    }
    return ModelInfo.model_validate(fields | changes)


class ByVelocity:
    """A network of no weights: the sideways velocity of the acting hand decides."""

    def __call__(self, features: np.ndarray) -> np.ndarray:
        velocity = features[:, SHAPE_CHANNELS + 2]
        logits = np.stack([velocity.max(axis=1), -velocity.min(axis=1), np.full(len(features), 1.0)], axis=1)
        weight = np.exp(4 * logits)
        return (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)


@dataclass
class TwoHands:
    landmarks: np.ndarray
    handedness: np.ndarray
    presence: np.ndarray
    tracks: tuple[int, int]


def hands_of(sequence: HandSequence, frame: int) -> TwoHands:
    seen = sequence.seen[frame]
    return TwoHands(
        sequence.landmarks[frame],
        sequence.handedness[frame],
        sequence.presence[frame],
        (4 if seen[0] else -1, 9 if seen[1] else -1),
    )


def clip(gesture: str = "hand_left") -> HandSequence:
    return make_clip(gesture, random_person(5, hand="right"), 3, fps=30, second_hand=False).clip.sequence


def as_clip(sequence: HandSequence) -> Clip:
    return Clip("one", "hand_left", sequence, (320, 240))


def nothing(frames: int) -> HandSequence:
    return HandSequence(
        np.full((frames, 2, 21, 3), np.nan, np.float32),
        np.arange(frames) / 30,
        np.full((frames, 2), np.nan, np.float32),
        np.zeros((frames, 2), np.float32),
    )


def test_live_scores_equal_those_of_the_recorded_window() -> None:
    recognizer = Recognizer(model_info(), ByVelocity())
    sequence = clip()
    for frame in range(len(sequence)):
        scores = recognizer.update(hands_of(sequence, frame), float(sequence.timestamps[frame]), frame)
        upto = HandSequence(
            sequence.landmarks[: frame + 1],
            sequence.timestamps[: frame + 1],
            sequence.handedness[: frame + 1],
            sequence.presence[: frame + 1],
        )
        window = recognizer._encode(recognizer._window(upto, float(sequence.timestamps[frame])))
        np.testing.assert_array_equal(scores.probabilities, ByVelocity()(window.features)[0])
    assert (scores.frame, scores.labels) == (len(sequence) - 1, LABELS)


def test_scores_name_the_acting_hand_and_its_track() -> None:
    recognizer = Recognizer(model_info(), ByVelocity())
    sequence = clip()
    assert sequence.seen[:, RIGHT].any()
    last = None
    for frame in range(30):
        last = recognizer.update(hands_of(sequence, frame), float(sequence.timestamps[frame]), frame)
    assert last is not None
    assert (last.hand, last.track) == ("right", 9)


def test_reset_forgets_the_frames_before() -> None:
    recognizer = Recognizer(model_info(), ByVelocity())
    sequence = clip()
    first = recognizer.update(hands_of(sequence, 0), 0.0, 0).probabilities
    for frame in range(1, 20):
        recognizer.update(hands_of(sequence, frame), float(sequence.timestamps[frame]), frame)
    recognizer.reset()
    np.testing.assert_array_equal(recognizer.update(hands_of(sequence, 0), 0.0, 0).probabilities, first)


def test_time_cannot_go_back() -> None:
    recognizer = Recognizer(model_info(), ByVelocity())
    recognizer.update(hands_of(clip(), 0), 1.0, 0)
    with pytest.raises(ValueError, match="after"):
        recognizer.update(hands_of(clip(), 1), 1.0, 1)


@pytest.mark.parametrize("gesture", ["hand_left", "hand_right"])
def test_a_clip_is_known_by_its_best_part(gesture: str) -> None:
    answer = Recognizer(model_info(), ByVelocity()).classify(as_clip(clip(gesture)))
    assert LABELS[int(answer.argmax())] == gesture
    assert answer.sum() == pytest.approx(1)


@pytest.mark.parametrize("frames", [0, 1, 40])
def test_a_clip_without_a_hand_is_background(frames: int) -> None:
    assert Recognizer(model_info(), ByVelocity()).classify(as_clip(nothing(frames))).tolist() == [0, 0, 1]


def test_a_clip_is_never_called_what_the_data_did_not_hold() -> None:
    still = clip("hold_open")
    learned = Recognizer(model_info(), ByVelocity()).classify(as_clip(still))
    derived = Recognizer(model_info(background="derived"), ByVelocity()).classify(as_clip(still))
    assert learned[2] > 0
    assert derived[2] == 0
    assert derived.sum() == pytest.approx(1)


def write_broken(folder: Path, broken: str) -> None:
    folder.mkdir()
    write_model_info(folder, model_info())
    document = json.loads((folder / "model.json").read_text())
    if broken == "no json":
        (folder / "model.json").unlink()
    elif broken == "half a json":
        (folder / "model.json").write_text('{"labels": [')
    elif broken == "a list":
        (folder / "model.json").write_text("[]")
    elif broken == "newer format":
        (folder / "model.json").write_text(json.dumps(document | {"format_version": 99}))
    elif broken == "other features":
        (folder / "model.json").write_text(json.dumps(document | {"feature_version": FEATURE_VERSION + 1}))
    elif broken == "no background":
        (folder / "model.json").write_text(json.dumps(document | {"labels": ["hand_left", "hand_right"]}))
    elif broken == "garbage network":
        (folder / "model.onnx").write_bytes(b"not a network")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("no json", "handflow train"),
        ("half a json", "damaged"),
        ("a list", "damaged"),
        ("newer format", "update handflow"),
        ("other features", f"feature version {FEATURE_VERSION + 1}.*train the model again"),
        ("no background", "background"),
        ("no network", "model.onnx is missing"),
        ("garbage network", "damaged"),
    ],
)
def test_a_broken_model_is_one_clear_line(tmp_path: Path, broken: str, message: str) -> None:
    write_broken(tmp_path / "model", broken)
    with pytest.raises(ModelFileError, match=message) as raised:
        load_recognizer(tmp_path / "model")
    assert "\n" not in str(raised.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="nowhere"):
        load_recognizer(tmp_path / "nowhere")


def test_model_json_survives_writing_and_reading(tmp_path: Path) -> None:
    info = model_info(notes=("a note",))
    write_model_info(tmp_path, info)
    assert read_model_info(tmp_path) == info
    assert info.spotter.thresholds["hand_left"].enter == 0.7


def test_recognizing_imports_no_torch() -> None:
    code = (
        "import sys; import handflow.recognize, handflow.recognize.package; "
        "bad = {'torch', 'lightning', 'matplotlib'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_model_is_as_sensitive_as_somebody_wants_it(tmp_path: Path) -> None:
    info = model_info(sensitivity={"hand_left": 1.0})
    assert info.spotter.thresholds == {
        "hand_left": Threshold(0.7, 0.4).tuned(1.0),
        "hand_right": Threshold(0.7, 0.4),
    }
    write_model_info(tmp_path, info)
    assert read_model_info(tmp_path) == info
    with pytest.raises(ValueError, match="sensitivity"):
        model_info(sensitivity={"hand_left": 1.1})
