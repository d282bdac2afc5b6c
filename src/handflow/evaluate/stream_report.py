"""report.html of a stream evaluation: what a person gets who leaves recognition switched on."""

from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path

from handflow.evaluate.events import TOLERANCE
from handflow.evaluate.page import bullets, paragraph, picture, section, table, write_page
from handflow.evaluate.provenance import count, listed
from handflow.evaluate.streams import GestureScore, StreamResult
from handflow.types import BACKGROUND


def write_stream_report(folder: Path, result: StreamResult, *, title: str, notes: Sequence[str] = ()) -> Path:
    """Writes `folder/report.html`, with timeline.png where it lies there.

    Args:
        folder: where to write.
        result: of `score_streams`.
        title: heading.
        notes: sentences that belong beside the result.
    """
    body = [
        f"<h1>{escape(title)}</h1>",
        '<p class="soft">How it does when it is left switched on.</p>',
        section("In short", bullets(streams_in_words(result))),
    ]
    if notes:
        body.append(section("Read the result with care", bullets(list(notes)), kind="warn"))
    if lines := stream_advice(result):
        body.append(section("What goes wrong and what to do", bullets(lines)))
    head = ("Gesture", "Recognized", "", "When it says so, it is right", "False activations")
    body += [
        section("Each gesture", table(head, [_row(score) for score in result.per_gesture])),
        section(
            "What happened when",
            picture(
                folder / "timeline.png",
                "Above the gestures made (hatched: missed), in the middle the scores, below the events "
                "(crosses: false activations).",
            ),
        )
        if (folder / "timeline.png").is_file()
        else "",
        section(
            "How this was measured",
            paragraph(
                f"An event counts if it comes between the beginning of a gesture and {TOLERANCE:g} seconds "
                "after its end, names that gesture, and no event before it did. Every other event is a false "
                "activation. Levenshtein accuracy compares the order of recognized gestures with the true "
                "one: 1 − (insertions, losses and mix-ups) / gestures made."
            ),
        ),
    ]
    return write_page(Path(folder) / "report.html", title, body)


def streams_in_words(result: StreamResult) -> list[str]:
    """The result as a few sentences for a person."""
    lines = []
    if result.gestures:
        lines.append(f"Of {count(result.gestures, 'gesture')} made, {result.hits} were recognized.")
    else:
        lines.append("No gesture was made in these streams: only false activations can be counted.")
    lines.append(_false_words(result))
    if result.f1 is not None:
        lines.append(f"F1 {result.f1:.3f}" + _range(result.f1_interval, ".3f") + ".")
    if result.levenshtein_accuracy is not None:
        lines.append(f"Levenshtein accuracy {result.levenshtein_accuracy:.1%}.")
    if result.offset_event is not None and result.onset_event is not None:
        end, begin = result.offset_event, result.onset_event
        lines.append(
            f"From the end of a gesture to its event: {_ms(end.p50)} or less in half of the cases, "
            f"{_ms(end.p95)} or less in 95 of 100 (negative: before the end). "
            f"From its beginning: {_ms(begin.p50)} and {_ms(begin.p95)}."
        )
    return lines


def stream_advice(result: StreamResult) -> list[str]:
    """What goes wrong and what helps against it, in plain sentences; empty where nothing went wrong."""
    false = [activation for _, match in result.matches for activation in match.false]
    idle = Counter(activation.event.gesture for activation in false if activation.kind == "idle")
    mixed = Counter((a.made, a.event.gesture) for a in false if a.kind == "confused")
    again = Counter(activation.event.gesture for activation in false if activation.kind == "repeated")
    missed = Counter(segment.label for _, match in result.matches for segment in match.missed)
    lines = []
    if idle:
        lines.append(
            f"It said {_listed(idle)} while nothing was made. Record more idle hands as “{BACKGROUND}”, also "
            "hands on their way to a gesture and back, and train again."
        )
    for (made, told), times in mixed.most_common(5):
        lines.append(
            f"While “{made}” was made it said “{told}” ({count(times, 'time')}). "
            "Record more takes of both, or make one of them look more different."
        )
    if again:
        lines.append(f"It fired a second time on one gesture: {_listed(again)}.")
    if missed:
        lines.append(f"It missed {_listed(missed)}. Record more takes at the speed and size of real use.")
    return lines


def _listed(times: Counter[str]) -> str:
    return listed([f"“{label}” ({count(n, 'time')})" for label, n in times.most_common()])


def _false_words(result: StreamResult) -> str:
    watched = f"{result.hours * 60:.1f} minutes" if result.hours < 2 else f"{result.hours:.1f} hours"
    words = f"{count(result.false_activations, 'false activation')} in {watched}"
    if result.false_activations_per_hour is not None:
        words += f": {result.false_activations_per_hour:.1f} an hour"
        words += _range(result.false_activations_interval, ".1f")
    kinds = result.false_by_kind()
    told = [
        f"{kinds['idle']} while nothing was made" if kinds["idle"] else "",
        f"{kinds['confused']} with the wrong name" if kinds["confused"] else "",
        f"{kinds['repeated']} a second time for one gesture" if kinds["repeated"] else "",
    ]
    told = [part for part in told if part]
    return words + (f" ({', '.join(told)})." if told else ".")


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"


def _range(interval: tuple[float, float] | None, form: str) -> str:
    return f" (95 % interval {interval[0]:{form}} to {interval[1]:{form}})" if interval else ""


def _row(score: GestureScore) -> tuple[str | float | None, ...]:
    return (
        score.label,
        f"{score.hits} of {score.support}" if score.support else "never made",
        score.recall,
        f"{score.precision:.0%}" if score.precision is not None else None,
        str(score.false),
    )
