"""report.html of a model: what a person needs to know about it, in words first, pictures second.

It needs no matplotlib: pictures that lie in the folder are embedded, others are left out.
"""

import shlex
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from handflow.evaluate.clips import ClassScore, ClipResult
from handflow.evaluate.inputs import SEES
from handflow.evaluate.page import bullets, command, paragraph, picture, section, table, write_page
from handflow.evaluate.provenance import Provenance, count, listed, overlap_notes, whose_takes
from handflow.recognize.pictures import InputKind
from handflow.types import BACKGROUND

_GRADES = (
    # from this accuracy on: what it means for someone who wants to use it
    (0.97, "Ready to use."),
    (0.90, "Good. A few more takes of the gestures below will make it better."),
    (0.75, "Usable for a try, not yet for something that must work every time."),
    (0.0, "Not ready. Look at the gestures below, record more takes and train again."),
)
_LEFT_OUT = "Each take left out in turn, {} of {} were recognized by the others."
_MOST_CONFUSIONS = 5  # more would hide what matters; the picture shows all


def write_report(
    folder: Path,
    result: ClipResult | None,
    *,
    trained_on: Provenance | None = None,
    tested_on: Provenance | None = None,
    history: Sequence[Mapping[str, float]] = (),
    thresholds: Mapping[str, float] | None = None,
    title: str | None = None,
    model: Path | None = None,
    dataset: Path | None = None,
    notes: Sequence[str] = (),
    tuned_on_it: bool = False,
    sees: InputKind | None = None,
    told: Sequence[str] = (),
    left_one_out: bool = False,
) -> Path:
    """Writes `folder/report.html`, with the pictures that lie there.

    They are loss.png, confusion.png, calibration.png and inputs.png.

    Args:
        folder: where to write; usually the model folder.
        result: the evaluation on clips that were held out; None: there were none to hold out.
        trained_on: whose clips the model was fitted to.
        tested_on: whose clips `result` was measured on.
        history: rows of history.csv, for the number of epochs.
        thresholds: score from which each gesture counts when running live.
        title: heading; by default the folder's name.
        model: model folder that the commands name; by default `folder`.
        dataset: dataset that the commands name.
        notes: further sentences that belong beside the result.
        tuned_on_it: whether the tested clips also decided when training ended or where thresholds lie.
        sees: input of an image network, for what inputs.png shows.
        told: what the model says to the one who taught it.
        left_one_out: whether `result` is of each taught take, told by the others.

    Returns:
        The report's path.
    """
    folder = Path(folder)
    model = Path(model or folder)
    heading = title or f"Model {model.name}"
    body = [
        f"<h1>{escape(heading)}</h1>",
        '<p class="soft">How well it recognizes the gestures it was taught.</p>',
    ]
    if result is not None:
        body.append(_verdict(result, trained_on, tested_on, left_one_out))
    if told:
        body.append(section("What the examples say", bullets(told)))
    overlap = trained_on and tested_on and not left_one_out
    warnings = [
        *(overlap_notes(trained_on, tested_on) if overlap and trained_on and tested_on else ()),
        *notes,
    ]
    if warnings:
        body.append(section("Read the result with care", bullets(warnings), kind="warn"))
    if result is not None:
        body += [
            _gestures(result),
            _confusions(result, folder),
            _method(result, trained_on, tested_on, thresholds, folder, tuned_on_it, left_one_out),
        ]
    if sees is not None and (shown := _inputs(sees, folder)):
        body.append(shown)
    if training := _training(history, folder):
        body.append(training)
    body.append(_next(model, dataset))
    return write_page(folder / "report.html", heading, body)


def verdict_in_words(result: ClipResult, trained_on: Provenance | None, tested_on: Provenance | None) -> str:
    """The result in one sentence: "Of 40 takes by people it never saw, 39 were recognized."."""
    whose = f" {whose_takes(trained_on, tested_on)}" if trained_on and tested_on else ""
    were = "was" if result.right == 1 else "were"
    return f"Of {count(result.clips, 'take')}{whose}, {result.right} {were} recognized."


def advice(result: ClipResult) -> list[str]:
    """What is confused and what to do about it, the most frequent first; empty where nothing went wrong."""
    lines = []
    supports = {score.label: score.support for score in result.per_class}
    for true, answer, clips in result.confused_pairs()[:_MOST_CONFUSIONS]:
        share = f"{clips} of {count(supports[true], 'take')}"
        if answer == BACKGROUND:
            lines.append(
                f"“{true}” was overlooked (taken for idle hands) in {share}. "
                f"Make it larger and clearer, and record more takes of “{true}” at different speeds."
            )
        elif true == BACKGROUND:
            lines.append(
                f"Idle hands were taken for “{answer}” in {share}. "
                "Record more idle takes: reach, scratch, type, drink, talk."
            )
        else:
            lines.append(
                f"“{true}” was taken for “{answer}” in {share}. "
                "Record more takes of both; if it stays so, make one of them look more different."
            )
    if rest := result.confused_pairs()[_MOST_CONFUSIONS:]:
        lines.append(f"{count(sum(n for *_, n in rest), 'further mistake')}, none of them more frequent.")
    missing = [
        f"{count(int(n), 'take')} of “{label}”"
        for label, n in zip(result.labels, result.unanswered, strict=True)
        if n
    ]
    if missing:
        lines.append(
            f"No hand was seen in {listed(missing)}; they count as errors. "
            "More light, the whole hand in the picture and a slower motion help."
        )
    few = [score.label for score in result.per_class if 0 < score.support < 5]
    if few:
        lines.append(
            f"Only a few takes were there to test {listed([f'“{label}”' for label in few])}: "
            "their numbers may be luck."
        )
    return lines


def _verdict(
    result: ClipResult, trained_on: Provenance | None, tested_on: Provenance | None, left_one_out: bool
) -> str:
    low, high = result.accuracy_interval
    words = verdict_in_words(result, trained_on, tested_on)
    grade = next(words for least, words in _GRADES if result.accuracy >= least)
    balanced = ""
    if abs(result.balanced_accuracy - result.accuracy) >= 0.01:
        balanced = (
            f" Each gesture counted alike, whatever its number of takes: {result.balanced_accuracy:.1%} "
            "(balanced accuracy)."
        )
    return (
        "<section>\n"
        f'<p class="verdict"><strong>{result.accuracy:.1%}</strong> · '
        f"{escape(_LEFT_OUT.format(result.right, result.clips) if left_one_out else words)}</p>\n"
        f"<p>{escape(grade)}</p>\n"
        '<p class="soft small">'
        + escape(
            f"With {count(result.clips, 'take')} the true share may lie anywhere from {low:.0%} to "
            f"{high:.0%} (95 % interval)."
        )
        + escape(balanced)
        + "</p>\n</section>"
    )


def _gestures(result: ClipResult) -> str:
    rows = [_gesture_row(score) for score in result.per_class]
    return section(
        "Each gesture",
        table(("Gesture", "Recognized", "", "The truth may lie at", "When it says so, it is right"), rows),
        paragraph(
            "“Recognized”: how many takes of the gesture were found. The last column: how many "
            "of its answers were true (precision).",
            kind="soft small",
        ),
    )


def _gesture_row(score: ClassScore) -> tuple[str | float | None, ...]:
    if score.recall is None or score.recall_interval is None:
        return score.label, "no takes", None, None, None
    low, high = score.recall_interval
    return (
        score.label,
        f"{score.right} of {score.support}",
        score.recall,
        f"{low:.0%} to {high:.0%}",
        f"{score.precision:.0%}" if score.precision is not None else None,
    )


def _confusions(result: ClipResult, folder: Path) -> str:
    lines = advice(result)
    return section(
        "What goes wrong and what to do",
        bullets(lines) if lines else paragraph("Nothing went wrong in this test."),
        picture(
            folder / "confusion.png",
            "Each row is a gesture that was made, each column what it was taken for. Framed numbers are "
            "mistakes.",
        ),
    )


def _method(
    result: ClipResult,
    trained_on: Provenance | None,
    tested_on: Provenance | None,
    thresholds: Mapping[str, float] | None,
    folder: Path,
    tuned_on_it: bool,
    left_one_out: bool,
) -> str:
    lines = []
    if trained_on:
        lines.append(f"Taught with {trained_on.in_words()}.")
    if left_one_out:
        lines.append(
            "Each of these takes was told by the others. They are takes of the same people, so someone new "
            "may do worse: test it on takes of others."
        )
    elif tested_on:
        lines.append(f"Tested on {tested_on.in_words()}.")
    if tuned_on_it:
        lines.append(
            "It was not fitted to these takes, but they decided when training ended and where its thresholds "
            "lie: expect slightly less, and test it on takes that had no part in it."
        )
    lines.append("A take in which no hand was seen counts as a mistake.")
    if result.calibration:
        lines.append(result.calibration.in_words())
    parts = [bullets(lines)]
    if thresholds:
        parts += [
            paragraph("Running live, a gesture counts from this score on (0 to 1):"),
            table(("Gesture", "Score"), [(label, f"{value:.2f}") for label, value in thresholds.items()]),
        ]
    parts.append(
        picture(folder / "calibration.png", "Of the takes answered with a probability, how many were right.")
    )
    return section("How this was measured", *parts)


def _inputs(sees: InputKind, folder: Path) -> str:
    sheet = picture(
        folder / "inputs.png",
        "The last window of some held-out takes, one a row, its first picture at the left.",
    )
    return section("What the network sees", paragraph(SEES[sees]), sheet) if sheet else ""


def _training(history: Sequence[Mapping[str, float]], folder: Path) -> str:
    curves = picture(
        folder / "loss.png",
        "Learning: both lines should fall (left) and rise (right) together. Where training goes on to "
        "improve and validation does not, it learns its takes by heart: more takes by more people help.",
    )
    if not curves:
        return ""
    epochs = paragraph(f"Trained for {count(len(history), 'epoch')}.") if history else ""
    return section("How it learned", epochs, curves)


def _next(model: Path, dataset: Path | None) -> str:
    name = shlex.quote(str(model))
    data = shlex.quote(str(dataset)) if dataset else "MY-GESTURES"
    return section(
        "What to do next",
        command(f"handflow run --model {name} --source 0", "Try it with your camera:"),
        command(f"handflow record {data} --gesture NAME --takes 10", "Record more takes of a gesture:"),
        command(f"handflow review {data}", "Look at the takes and throw out bad ones:"),
        command(f"handflow evaluate {name} OTHER-DATASET", "Test it on takes of someone else:"),
    )
