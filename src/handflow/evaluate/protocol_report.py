"""report.html of the protocols that teach again and again."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from handflow.evaluate.page import bullets, paragraph, picture, section, table, write_page
from handflow.evaluate.protocols import FewShotResult, ShotScore, SubjectResult
from handflow.evaluate.provenance import count
from handflow.evaluate.report import advice


def write_protocol_report(
    folder: Path, result: FewShotResult | SubjectResult, *, title: str, notes: Sequence[str] = ()
) -> Path:
    """Writes `folder/report.html`, with confusion.png where it lies there.

    Args:
        folder: where to write.
        result: of either protocol.
        title: heading.
        notes: sentences that belong beside the result.
    """
    folder = Path(folder)
    body = [f"<h1>{escape(title)}</h1>"]
    if notes:
        body.append(section("Read the result with care", bullets(list(notes)), kind="warn"))
    if isinstance(result, FewShotResult):
        pooled = result.pooled[max(result.pooled)]
        rows = [_shot_row(k, score) for k, score in result.shots.items()]
        body.append(
            section(
                "How many takes of each gesture it needs",
                table(("Takes taught", "Recognized", "", "Spread", "Worst", "Repeats"), rows),
                paragraph(
                    "Each time other takes were taught, chosen by chance, and all the rest were tested.",
                    kind="soft small",
                ),
            )
        )
    else:
        pooled = result.pooled
        subjects = sorted(result.subjects.items(), key=lambda item: item[1])
        body.append(
            section(
                "How well it works for somebody it never saw",
                paragraph(
                    f"{result.mean:.1%} on average over {count(len(subjects), 'person', 'people')}, "
                    f"{result.worst:.1%} for the one it works worst for."
                ),
                table(("Person", "Recognized", ""), [(name, f"{a:.1%}", a) for name, a in subjects]),
                paragraph("Each was tested with what all the others taught.", kind="soft small"),
            )
        )
    lines = advice(pooled)
    body.append(
        section(
            "What goes wrong and what to do",
            bullets(lines) if lines else paragraph("Nothing went wrong in this test."),
            picture(
                folder / "confusion.png",
                "Each row is a gesture that was made, each column what it was taken for; "
                "all repeats together.",
            ),
        )
    )
    return write_page(folder / "report.html", title, body)


def _shot_row(shots: int, score: ShotScore) -> tuple[str | float | None, ...]:
    spread = f"± {score.std:.1%}" if score.repeats > 1 else None
    return str(shots), f"{score.mean:.1%}", score.mean, spread, f"{score.worst:.1%}", str(score.repeats)
