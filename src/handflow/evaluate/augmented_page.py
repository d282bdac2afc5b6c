"""The page of `handflow review --augmented`: what an image network sees in training, as moving pictures."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from handflow.atomic import temporary_name
from handflow.data.pictures import encode_jpeg
from handflow.data.review import STYLE
from handflow.types import Image

PAGE = "review-augmented.html"
WIDTH = 192  # pixels at which a picture is shown
QUALITY = 85

_STYLE = """
.row { display: grid; grid-template-columns: repeat(auto-fill, minmax(208px, 1fr)); gap: 8px;
  margin-bottom: 12px; padding: 8px; border: 1px solid var(--line); border-radius: 12px; }
.row .card.plain { border-color: var(--soft); }
"""


@dataclass(frozen=True, slots=True, eq=False)
class ShownWindow:
    """A window as the network sees it."""

    pictures: Image  # (frames, height, width, 3) RGB
    called: tuple[tuple[str, float], ...]  # labels and their shares of the target, the largest first

    @property
    def in_words(self) -> str:
        """What training calls the window: "hand_left 70 %, background 30 %"."""
        return ", ".join(f"{label} {share:.0%}".replace("%", " %") for label, share in self.called)


@dataclass(frozen=True, slots=True, eq=False)
class ShownClip:
    """A clip with windows that are drawn from it."""

    id: str
    label: str
    subject: str | None
    plain: ShownWindow
    varied: tuple[ShownWindow, ...]


def write_augmented_page(
    path: Path, name: str, clips: Iterable[ShownClip], facts: Sequence[str], *, seconds: float
) -> Path:
    """Writes the page: one self-contained HTML file, whole or not at all.

    Args:
        path: the file.
        name: of the dataset.
        clips: those of a gesture after each other.
        facts: sentences above the clips.
        seconds: duration of a window, in which its pictures are played.

    Returns:
        The file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path.parent)
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.writelines(_page(name, clips, facts, seconds))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _page(name: str, clips: Iterable[ShownClip], facts: Sequence[str], seconds: float) -> Iterator[str]:
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(name)} - handflow review --augmented</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}{_STYLE}</style></head><body><h1>{escape(name)}: what training draws</h1>"
    )
    yield "".join(f'<div class="soft">{escape(fact)}</div>' for fact in facts)
    label = None
    for clip in clips:
        if clip.label != label:
            yield f"{'</section>' * (label is not None)}<section><h2>{escape(clip.label)}</h2>"
            label = clip.label
        who = f" · {escape(clip.subject)}" if clip.subject else ""
        cards = [_card(clip.plain, f"<b>{escape(clip.id)}</b><small>as it is{who}</small>", seconds, "plain")]
        cards += [_card(window, f"<b>varied {k}</b>", seconds) for k, window in enumerate(clip.varied, 1)]
        yield f'<div class="row">{"".join(cards)}</div>'
    yield f"{'</section>' * (label is not None)}</body></html>\n"


def _card(window: ShownWindow, head: str, seconds: float, kind: str = "") -> str:
    frames, height, width, _ = window.pictures.shape
    strip = base64.b64encode(encode_jpeg(np.concatenate(window.pictures, axis=1), QUALITY)).decode()
    tall = round(height * WIDTH / width)
    return (
        f'<div class="card {kind}"><div class="play" style="--steps:{frames};width:{WIDTH}px;height:{tall}px;'
        f"background-size:{WIDTH * frames}px {tall}px;animation-duration:{seconds:.2f}s;"
        f'background-image:url(data:image/jpeg;base64,{strip})"></div>{head}'
        f"<small>{escape(window.in_words)}</small></div>"
    )
