"""The folder of a trained model: `model.onnx` and what `model.json` says about it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from handflow.atomic import write_bytes
from handflow.errors import ModelFileError
from handflow.recognize.features import CHANNELS, FEATURE_VERSION
from handflow.recognize.few_shot.hand_features import FEW_SHOT_VERSION
from handflow.recognize.few_shot.parts import DISTANCES, PARTS
from handflow.recognize.pictures import INPUTS, PICTURE_VERSION, InputKind, PictureInput
from handflow.recognize.spotter import SpotterConfig, Threshold
from handflow.recognize.windows import STEPS
from handflow.types import BACKGROUND

FORMAT_VERSION = 1
"""Version of model.json; raised when an older program could not read it."""
FEW_SHOT_MINIMUM = 0.06
"""Seconds that the score of a few-shot model must stay above its threshold."""
INFO_FILE, NETWORK_FILE = "model.json", "model.onnx"

Sensitivity = Annotated[float, Field(ge=-1, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Spread(_Part):
    """A figure of an evaluation: mean and spread over the parts of the held-out data."""

    mean: float
    std: float
    parts: int  # subjects, sessions or drawn groups of clips that the spread is over


class Evaluation(_Part):
    """How the model did on clips that were held out.

    They decided when training stopped and set the thresholds, so new people may do a little worse. A few-shot
    model tells every example by the others.
    """

    held_out: str  # what was held out: "subject", "session" or "clip"
    clips: int
    accuracy: Spread | None  # None: there was nothing to hold out
    balanced_accuracy: float | None
    loss: float | None
    subjects: tuple[str, ...] = ()  # held out, where they are known
    note: str = ""  # what a reader must know, such as sessions on both sides


class Pictures(_Part):
    """What an image network sees of a window."""

    frames: int = Field(ge=2, le=64)
    height: int = Field(ge=8, le=2048)  # pixels
    width: int = Field(ge=8, le=2048)  # pixels
    whole_clip: bool = False  # a clip is one window, from its first frame to its last; else windows slide
    version: int = PICTURE_VERSION


class FewShot(_Part):
    """How a few-shot model compares with its examples."""

    windows: tuple[float, ...] = Field(min_length=1, max_length=4)  # seconds, looked at with every frame
    weights: tuple[float, ...]  # of the parts of unlikeness (`few_shot.parts.PARTS`)
    border: float  # of the unknown
    stroke_weights: tuple[
        float, ...
    ]  # the same of the strokes of the examples, which live windows are compared with
    stroke_border: float
    usual_weights: tuple[float, ...]  # what they would be without examples
    usual_levels: tuple[float, ...]  # of the parts, between takes of one gesture
    usual_border: float
    steepness: float = Field(gt=0)  # how fast known turns into unknown beyond the border
    version: int = FEW_SHOT_VERSION

    @model_validator(mode="after")
    def _whole(self) -> "FewShot":
        for name, wanted in (
            ("weights", len(PARTS)),
            ("stroke_weights", len(PARTS)),
            ("usual_weights", len(PARTS)),
            ("usual_levels", DISTANCES),
        ):
            if len(getattr(self, name)) != wanted:
                raise ValueError(f"{name} are {len(getattr(self, name))} numbers, expected {wanted}")
        for weights in (self.weights, self.stroke_weights, self.usual_weights):
            if min(weights) < 0 or sum(weights) <= 0:
                raise ValueError(f"weights are {weights}, expected numbers from 0 on")
        if min(self.windows) <= 0:
            raise ValueError(f"windows are {self.windows}, expected seconds above 0")
        return self


class Calibration(_Part):
    """How the thresholds were set by `handflow calibrate`."""

    hours: float  # of background watched
    wanted: float  # false activations an hour, at most
    found: float  # false activations an hour with these thresholds, on the same background
    upper: float  # end of its 95 % interval
    subjects: tuple[str, ...] = ()  # whom the background shows, where it is known
    before: dict[str, Threshold]  # what held until then


class ModelInfo(_Part):
    """Everything that running a model needs besides its weights."""

    format_version: int = FORMAT_VERSION
    kind: str  # which entry of train.MODELS made it
    created: str  # ISO 8601, UTC
    labels: tuple[str, ...] = Field(min_length=2)  # in the order of the network's output
    window_seconds: float = Field(gt=0, le=10)
    input_kind: Literal["landmarks"] | InputKind = "landmarks"
    pictures: Pictures | None = None  # of the input kinds that are pictures
    few_shot: FewShot | None = None  # of models that are their examples
    feature_version: int = FEATURE_VERSION
    steps: int = STEPS
    channels: int = CHANNELS
    hands_matter: bool = False
    background: Literal["learned", "derived", "doubt"] = "learned"
    """derived: the data had no background clips, cut ones served; doubt: the network was not taught any."""
    thresholds: dict[str, Threshold]
    sensitivity: dict[str, Sensitivity] = {}
    """Gestures that somebody wants to come more (up to 1) or less (down to -1) easily: `Threshold.tuned`."""
    gesture_seconds: dict[str, float]  # usual duration of each gesture, to tell its onset from its score
    held: tuple[str, ...] = ()  # gestures that are poses held still
    calibration: Calibration | None = None
    evaluation: Evaluation
    parameters: int  # numbers in the network
    seed: int
    data_fingerprint: str  # sha256 over the training data
    trained_clips: dict[str, int]  # clips used for each label, held-out ones included
    trained_on: dict[str, int | list[str]] = {}  # whose clips these were (`evaluate.provenance`)
    notes: tuple[str, ...] = ()  # sentences that a reader of the results should know
    versions: dict[str, str]  # of Python and of the packages that made it

    @property
    def picture_input(self) -> PictureInput | None:
        """What is cut from frames; None for landmarks."""
        if self.input_kind == "landmarks" or self.pictures is None:
            return None
        shown = self.pictures
        return PictureInput(self.input_kind, shown.frames, shown.height, shown.width)

    @property
    def spotter(self) -> SpotterConfig:
        """How a spotter decides on this model's scores."""
        tuned = {g: t.tuned(self.sensitivity.get(g, 0.0)) for g, t in self.thresholds.items()}
        common = SpotterConfig(
            thresholds=tuned, gesture_seconds=self.gesture_seconds, held=frozenset(self.held)
        )
        if self.few_shot is not None:
            # The view that ends with the stroke passes quickly: those before and after are told less surely.
            return replace(common, minimum=FEW_SHOT_MINIMUM)
        if self.input_kind == "landmarks":
            return common
        # Their scores come and go slowly, and were not taught when a stroke ends.
        return replace(common, smoothing=0.1, minimum=0.15, doubt_minimum=0.2, doubt_share=0.5)

    @model_validator(mode="after")
    def _whole(self) -> "ModelInfo":
        if BACKGROUND not in self.labels:
            raise ValueError(f"labels lack '{BACKGROUND}'")
        for table in (self.thresholds, self.gesture_seconds):
            if missing := set(self.labels) - {BACKGROUND} - set(table):
                raise ValueError(f"nothing is said about {sorted(missing)}")
        if self.few_shot is not None and max(self.few_shot.windows) > self.window_seconds:
            raise ValueError(f"a window of {max(self.few_shot.windows)} s is longer than window_seconds")
        if self.input_kind != "landmarks" and self.pictures is None:
            raise ValueError(f"the input is '{self.input_kind}', but nothing is said about pictures")
        return self


def read_model_info(folder: Path) -> ModelInfo:
    """Reads `model.json` of a trained model's folder.

    Raises:
        ModelFileError: it is missing, damaged, of a newer format, or of another feature version.
    """
    path = folder / INFO_FILE
    if not folder.is_dir():
        raise ModelFileError(f"no trained model at {folder}: name the folder that `handflow train` printed")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelFileError(
            f"{folder} holds no {INFO_FILE}: name the folder that `handflow train` printed"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ModelFileError(f"{path} is damaged (not JSON): train the model again") from None
    if not isinstance(document, dict):
        raise ModelFileError(f"{path} is damaged (no JSON object): train the model again")
    found = document.get("format_version")
    if isinstance(found, int) and found > FORMAT_VERSION:
        raise ModelFileError(
            f"{path} has format {found}, this handflow reads up to {FORMAT_VERSION}: update handflow"
        )
    _require_version(document, folder)
    try:
        return ModelInfo.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "document"
        raise ModelFileError(f"{path} is damaged ({where}: {first['msg']}): train the model again") from None


def _require_version(document: dict[str, object], folder: Path) -> None:
    """Refuses a model whose input was computed otherwise than it is now."""
    shown = document.get("pictures")
    taught = document.get("few_shot")
    if isinstance(taught, dict):
        version, ours = taught.get("version"), FEW_SHOT_VERSION
        same = version == ours
    elif document.get("input_kind") in INPUTS and isinstance(shown, dict):
        version, ours = shown.get("version"), PICTURE_VERSION
        same = version == ours
    else:
        version, ours = document.get("feature_version"), FEATURE_VERSION
        same = version == ours and (document.get("steps"), document.get("channels")) == (STEPS, CHANNELS)
    if not same:
        raise ModelFileError(
            f"{folder} was trained with feature version {version}, this handflow computes version {ours}: "
            "train the model again"
        )


def write_model_info(folder: Path, info: ModelInfo) -> None:
    """Writes `model.json` into a folder that nobody reads yet."""
    (folder / INFO_FILE).write_text(info.model_dump_json(indent=2) + "\n", encoding="utf-8")


def replace_model_info(folder: Path, info: ModelInfo) -> None:
    """Changes `model.json` of a model that may be in use, whole or not at all."""
    write_bytes(folder / INFO_FILE, (info.model_dump_json(indent=2) + "\n").encode())
