"""One page that shows every clip as a small animation, with what the check says about it."""

import base64
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path

from handflow.atomic import temporary_name
from handflow.data.check import CheckReport, Finding, check_dataset
from handflow.data.dataset import Dataset
from handflow.data.layout import ClipEntry
from handflow.data.sprites import STEPS, strip_of
from handflow.errors import DatasetError

PAGE = "review.html"

Progress = Callable[[int, int, str], None]
"""Told (clips drawn, clips in all, id of the one just drawn)."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c2230; --soft: #667085; --ground: #f5f6f8; --card: #fff;
  --line: #dfe3ea; --warn: #b54708; --warn-ground: #fff4e5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf1; --soft: #98a2b3; --ground: #12151b;
  --card: #1b2029; --line: #2c3340; --warn: #fdb022; --warn-ground: #33260f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1320px; padding: 24px; font: 15px/1.45 system-ui, sans-serif;
  color: var(--ink); background: var(--ground); }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 28px 0 10px; }
.soft, .card small { color: var(--soft); } h2 .soft { font-weight: 400; }
code { font: 13px ui-monospace, monospace; background: var(--card); border: 1px solid var(--line);
  border-radius: 4px; padding: 1px 5px; }
.notes { margin: 14px 0; padding: 10px 14px 10px 30px; border-radius: 8px; background: var(--warn-ground); }
.notes li { margin: 2px 0; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(192px, 1fr)); gap: 12px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 8px;
  overflow-wrap: anywhere; }
.card.warn { border-color: var(--warn); }
.card b { display: block; font: 600 13px ui-monospace, monospace; margin-top: 6px; }
.card small { display: block; } .card p { margin: 6px 0 0; font-size: 13px; color: var(--warn); }
.play { border-radius: 6px; margin: 0 auto; background-repeat: no-repeat;
  animation: play linear infinite; animation-timing-function: steps(var(--steps), jump-none); }
@keyframes play { from { background-position-x: 0% } to { background-position-x: 100% } }
.card:hover .play { animation-play-state: paused; }
#only:checked ~ section .card:not(.warn), #only:checked ~ section:not(:has(.warn)) { display: none; }
@media (prefers-reduced-motion: reduce) { .play { animation-play-state: paused; }
  .card:hover .play { animation-play-state: running; } }
"""


def write_review(
    path: str | Path, out: str | Path | None = None, *, progress: Progress | None = None
) -> Path:
    """Writes the page: one self-contained HTML file, whole or not at all.

    Args:
        path: the dataset's folder.
        out: the file; None: `review.html` in the dataset.
        progress: called for each clip.

    Returns:
        The file.

    Raises:
        DatasetError: there is no dataset, or it has no clips.
    """
    dataset = Dataset.open(path)
    entries = dataset.scan()[0]
    report = check_dataset(path)
    if not entries and not report.findings:
        raise DatasetError(f"{path} holds no clips: record some with `handflow record {path} --gesture NAME`")
    target = Path(out) if out is not None else dataset.path / PAGE
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(target.parent)
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            for part in _page(dataset, entries, report, progress):
                file.write(part)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def apply_changes(
    dataset: Dataset, *, delete: Sequence[str] = (), relabel: Sequence[str] = (), new: bool = False
) -> list[str]:
    """Deletes and relabels clips: all of it, or nothing where one of them cannot be.

    Args:
        dataset: where the clips are.
        delete: ids that move to the trash.
        relabel: `ID=GESTURE` each.
        new: allow gestures that the dataset does not know yet.

    Returns:
        One line for each change.

    Raises:
        DatasetError: no such clip or gesture, or a change that is not of the form `ID=GESTURE`.
    """
    pairs = []
    for change in relabel:
        id, equals, gesture = change.partition("=")
        if not equals:
            raise DatasetError(f"cannot relabel '{change}': write ID=GESTURE, as in wave-0003=swipe_left")
        pairs.append((id, dataset.known_gesture(gesture, new=new)))
    ids = [*delete, *(id for id, _ in pairs)]
    for id in ids:
        if id not in dataset:
            raise DatasetError(
                f"no clip '{id}' in {dataset.path}: the page of `handflow review` shows all ids"
            )
        if ids.count(id) > 1:
            raise DatasetError(f"clip '{id}' is named twice: name each clip once")
    for id, gesture in pairs:
        dataset.relabel(id, gesture, new=new)
    for id in delete:
        dataset.delete(id)
    relabelled = [f"'{id}' is now '{gesture}'" for id, gesture in pairs]
    return relabelled + [f"'{id}' moved to the trash" for id in delete]


def _page(
    dataset: Dataset, entries: list[ClipEntry], report: CheckReport, progress: Progress | None
) -> Iterator[str]:
    name = escape(dataset.path.resolve().name)
    warned: dict[str, list[Finding]] = defaultdict(list)
    shown = {e.id for e in entries}
    for finding in report.findings:
        if finding.clip in shown and finding.clip is not None:
            warned[finding.clip].append(finding)
    general = [f for f in report.findings if f.clip not in shown]
    by_gesture: dict[str, list[ClipEntry]] = {g: [] for g in dataset.gestures}
    for entry in entries:
        by_gesture[entry.label].append(entry)
    seconds = sum(float(e.timestamps[-1] - e.timestamps[0]) for e in entries)
    where = escape(str(dataset.path))
    yield (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name} - handflow review</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}:root {{ --steps: {STEPS}; }}</style></head><body>"
        f'<h1>{name}</h1><div class="soft">{_count(len(entries), "clip")} of '
        f"{_count(sum(bool(c) for c in by_gesture.values()), 'gesture')}, {seconds:.0f} s; as the camera saw "
        "them, not mirrored</div>"
        f"<p><code>handflow review {where} --delete ID</code> "
        f"<code>handflow review {where} --relabel ID=GESTURE</code> "
        f"<code>handflow review {where} --undo</code></p>"
    )
    if general:
        items = "".join(
            f"<li>{f'<b>{escape(f.clip)}</b>: ' if f.clip else ''}{escape(f.message)}</li>" for f in general
        )
        yield f'<ul class="notes">{items}</ul>'
    if warned:
        label = f"only the {len(warned)} with warnings"
        yield f'<input type="checkbox" id="only"> <label for="only">{label}</label>'
    drawn = 0
    for gesture, clips in by_gesture.items():
        yield f'<section><h2>{escape(gesture)} <span class="soft">{len(clips)}</span></h2><div class="grid">'
        for entry in clips:
            yield _card(dataset, entry, warned.get(entry.id, []))
            drawn += 1
            if progress is not None:
                progress(drawn, len(entries), entry.id)
        yield "</div></section>"
    yield "</body></html>\n"


def _card(dataset: Dataset, entry: ClipEntry, findings: list[Finding]) -> str:
    duration = float(entry.timestamps[-1] - entry.timestamps[0])
    assumed = " assumed" if entry.assumed_fps is not None else ""
    rate = f", {(len(entry.timestamps) - 1) / duration:.0f} fps{assumed}" if duration else ""
    facts = [f"{duration:.1f} s, {len(entry.timestamps)} frames{rate}"]
    facts += [" · ".join(escape(v) for v in (entry.subject, entry.session) if v)]
    if not entry.has_landmarks:
        facts.append("no landmarks yet")
    try:
        jpeg, (width, height) = strip_of(dataset, entry)
    except DatasetError:  # the findings say what is wrong with it
        picture = "<p>cannot be shown</p>"
    else:
        data = base64.b64encode(jpeg).decode()
        picture = (
            f'<div class="play" style="width:{width}px;height:{height}px;'
            f"background-size:{width * STEPS}px {height}px;animation-duration:{max(duration, 0.3):.2f}s;"
            f'background-image:url(data:image/jpeg;base64,{data})"></div>'
        )
    return (
        f'<div class="card{" warn" * bool(findings)}">{picture}<b>{escape(entry.id)}</b>'
        + "".join(f"<small>{fact}</small>" for fact in facts if fact)
        + "".join(f"<p>{escape(f.kind)}: {escape(f.message)}</p>" for f in findings)
        + "</div>"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
