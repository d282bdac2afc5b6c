"""Results as tables for a terminal."""

from rich.markup import escape
from rich.table import Table

from handflow.evaluate.clips import ClipResult
from handflow.evaluate.intervals import Interval
from handflow.evaluate.protocols import FewShotResult, SubjectResult
from handflow.evaluate.streams import StreamResult


def clip_table(result: ClipResult) -> Table:
    """One row a gesture, then all of them."""
    table = Table("gesture", "recognized", "recall", "95 % interval", "precision", "F1")
    for score in result.per_class:
        table.add_row(
            escape(score.label),
            f"{score.right} of {score.support}",
            _percent(score.recall),
            _percents(score.recall_interval),
            _percent(score.precision),
            _percent(score.f1),
        )
    table.add_section()
    table.add_row(
        "accuracy",
        f"{result.right} of {result.clips}",
        _percent(result.accuracy),
        _percents(result.accuracy_interval),
    )
    table.add_row(
        "balanced",
        "",
        _percent(result.balanced_accuracy),
        _percents(result.balanced_accuracy_interval),
    )
    return table


def stream_table(result: StreamResult) -> Table:
    """One row a gesture, then all of them."""
    table = Table("gesture", "recognized", "recall", "precision", "F1", "false activations")
    for score in result.per_gesture:
        table.add_row(
            escape(score.label),
            f"{score.hits} of {score.support}",
            _percent(score.recall),
            _percent(score.precision),
            _percent(score.f1),
            str(score.false),
        )
    table.add_section()
    table.add_row(
        "all",
        f"{result.hits} of {result.gestures}",
        _percent(result.recall),
        _percent(result.precision),
        _percent(result.f1),
        str(result.false_activations),
    )
    return table


def shot_table(result: FewShotResult) -> Table:
    """One row a number of shots."""
    table = Table("clips taught", "mean", "spread", "worst", "repeats")
    for shots, score in result.shots.items():
        table.add_row(
            str(shots), _percent(score.mean), _percent(score.std), _percent(score.worst), str(score.repeats)
        )
    return table


def subject_table(result: SubjectResult) -> Table:
    """One row a person, then mean and worst."""
    table = Table("person never seen", "accuracy")
    for name, accuracy in result.subjects.items():
        table.add_row(escape(name), _percent(accuracy))
    table.add_section()
    table.add_row("mean", _percent(result.mean))
    table.add_row("worst", _percent(result.worst))
    return table


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _percents(interval: Interval | None) -> str:
    return "–" if interval is None else f"{interval[0]:.0%} to {interval[1]:.0%}"
