"""Honest measurement: clip metrics, protocols, stream scorer, calibration, pictures and reports. No torch."""

from handflow.evaluate.calibration import Calibration, expected_calibration_error
from handflow.evaluate.clips import ClassScore, ClipResult, clip_metrics, evaluate_clips
from handflow.evaluate.events import EventMatch, FalseActivation, edit_distance, score_events
from handflow.evaluate.protocols import FewShotResult, SubjectResult, few_shot, leave_one_subject_out
from handflow.evaluate.provenance import Provenance
from handflow.evaluate.streams import StreamEvents, StreamResult, recognize_stream, score_streams

__all__ = [
    "Calibration",
    "ClassScore",
    "ClipResult",
    "EventMatch",
    "FalseActivation",
    "FewShotResult",
    "Provenance",
    "StreamEvents",
    "StreamResult",
    "SubjectResult",
    "clip_metrics",
    "edit_distance",
    "evaluate_clips",
    "expected_calibration_error",
    "few_shot",
    "leave_one_subject_out",
    "recognize_stream",
    "score_events",
    "score_streams",
]
