"""Honest measurement: clip metrics, protocols, stream scorer, calibration, pictures and reports. No torch."""

from handflow.evaluate.calibration import Calibration, expected_calibration_error
from handflow.evaluate.clips import ClassScore, ClipResult, clip_metrics, evaluate_clips
from handflow.evaluate.provenance import Provenance

__all__ = [
    "Calibration",
    "ClassScore",
    "ClipResult",
    "Provenance",
    "clip_metrics",
    "evaluate_clips",
    "expected_calibration_error",
]
