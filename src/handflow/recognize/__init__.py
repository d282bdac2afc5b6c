"""From landmarks to gesture events: features, recognizer, spotter. Runs without torch."""

from handflow.recognize.loading import load_recognizer
from handflow.recognize.model_folder import ModelInfo, read_model_info
from handflow.recognize.recognizer import Recognizer
from handflow.recognize.spotter import Spotter, SpotterConfig, Threshold

__all__ = [
    "ModelInfo",
    "Recognizer",
    "Spotter",
    "SpotterConfig",
    "Threshold",
    "load_recognizer",
    "read_model_info",
]
