"""The encoders that come with handflow, and what was settled with them."""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from handflow.errors import ModelFileError
from handflow.recognize.few_shot.classifier import Usual
from handflow.recognize.few_shot.hand_features import CHANNELS, FEW_SHOT_VERSION
from handflow.recognize.recognizer import OnnxNetwork
from handflow.recognize.windows import STEPS
from handflow.types import Float32

ENCODERS_FILE, CARD_FILE = "encoders.onnx", "encoders.json"


def packaged_folder() -> Path:
    """Where the packaged encoders and their card lie."""
    return Path(str(files("handflow.recognize.few_shot") / "weights"))


@cache
def read_card(folder: Path) -> dict[str, Any]:
    """What encoders.json says: version, usual weights, how the encoders were made and how they did.

    Raises:
        ModelFileError: it is missing, damaged, or of another version.
    """
    path = folder / CARD_FILE
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        version = card["few_shot_version"]
        _usual(card)
    except (OSError, ValueError, KeyError, TypeError):
        raise ModelFileError(
            f"{path} is missing or damaged: install handflow again, or run `handflow pretrain`"
        ) from None
    if version != FEW_SHOT_VERSION:
        raise ModelFileError(
            f"{path} has few-shot version {version}, this handflow computes version {FEW_SHOT_VERSION}: "
            "run `handflow pretrain`, or take the encoders that came with it"
        )
    return dict(card)


def packaged_usual(folder: Path | None = None) -> Usual:
    """Weights and border of the unknown that hold before a task's examples say better."""
    return _usual(read_card(folder or packaged_folder()))


def _usual(card: dict[str, Any]) -> Usual:
    usual = card["usual"]
    return Usual(tuple(usual["weights"]), tuple(usual["levels"]), usual["border"], usual["steepness"])


class OnnxEncoders:
    """The encoders on ONNX Runtime; a hand, or a few, is too little to share out over threads."""

    def __init__(self, path: Path) -> None:
        self._network = OnnxNetwork(path, (CHANNELS, STEPS))
        self.embedding = self._network.labels  # numbers that it gives; None: the file does not say

    def __call__(self, features: Float32) -> Float32:
        return self._network(features)


@cache
def packaged_encoders() -> OnnxEncoders:
    """The encoders that come with handflow, opened once."""
    return OnnxEncoders(packaged_folder() / ENCODERS_FILE)
