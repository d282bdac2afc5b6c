"""Pictures of what the pipeline sees and decides: hands, scores, event banner, armed or not."""

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np

from handflow.hands import draw_hands
from handflow.live.arming import ArmedState
from handflow.live.pipeline import LiveResult
from handflow.live.window import mirrored_view
from handflow.types import BACKGROUND, Frame, GestureEvent, Hands, Image, Segment

_MIN_WIDTH = 640  # pixels: smaller frames are enlarged so that text stays legible
_BANNER_SECONDS = 0.8
_MOST_EVENTS = 3  # in the banner
_PANEL = (24, 26, 30)
_TEXT = (235, 235, 235)
_QUIET = (120, 125, 135)
_TROUGH = (50, 54, 60)
_EVENT = (70, 200, 255)
_TRUTH = (255, 170, 60)
_ARMED, _DISARMED = (90, 210, 120), (240, 110, 100)  # said in words as well


class Annotator:
    """Draws one picture a frame: `draw()` in order, `reset()` between sources.

    Args:
        labels: all labels of the model, in the order of its scores.
        segments: the truth, where it is known; drawn beside the events.
        mirror: show the picture as a mirror does, for a screen.
    """

    def __init__(
        self, labels: Sequence[str], segments: Sequence[Segment] = (), *, mirror: bool = False
    ) -> None:
        self._labels = tuple(labels)
        self._segments = tuple(segments)
        self._mirror = mirror
        self.reset()

    def reset(self) -> None:
        """Forgets the last events."""
        self._last: list[GestureEvent] = []

    def draw(self, result: LiveResult, arming: ArmedState | None = None) -> Image:
        """The annotated picture, uint8 RGB, at least 640 pixels wide, with a panel of scores below.

        Args:
            result: of the frame; all its events are shown.
            arming: whether events count, where that is switched.
        """
        recent = [e for e in self._last if result.frame.timestamp - e.time <= _BANNER_SECONDS]
        self._last = [*recent, *result.events][-_MOST_EVENTS:]
        image, hands = _enlarge(result.frame, result.hands)
        canvas = mirrored_view(image, hands) if self._mirror else draw_hands(image, hands)
        if self._last:
            _banner(canvas, "    ".join(f"{event.gesture}  {event.score:.2f}" for event in self._last))
        if arming is not None and 0 < arming.progress < 1:
            _ring(canvas, arming.progress)
        return np.concatenate([canvas, self._panel(result, arming, canvas.shape[1])])

    def _panel(self, result: LiveResult, arming: ArmedState | None, width: int) -> Image:
        """Bars of all scores, the time, and where they are known armed or not and the true gesture."""
        unit = width / _MIN_WIDTH  # text grows with the picture
        columns = 2 if len(self._labels) > 4 else 1
        rows = -(-len(self._labels) // columns)

        def px(length: float) -> int:
            return round(length * unit)

        def text(words: str, x: float, y: float, colour: tuple[int, int, int]) -> None:
            _text(panel, words, (px(x), px(y)), colour, 0.5 * unit, max(1, round(unit)))

        panel = np.full((px(rows * 22 + 34), width, 3), _PANEL, np.uint8)
        text(f"{result.frame.timestamp:6.2f} s", 10, 20, _QUIET)
        if arming is not None:
            text("armed" if arming.armed else "disarmed", 110, 20, _ARMED if arming.armed else _DISARMED)
        if self._segments:
            now = result.frame.timestamp
            true = next((s.label for s in self._segments if s.onset <= now <= s.offset), "–")
            text(f"truth: {true}", _MIN_WIDTH / 2, 20, _TRUTH)
        span = _MIN_WIDTH / columns
        for k, (label, p) in enumerate(zip(self._labels, result.scores.probabilities, strict=True)):
            x, y = (k // rows) * span + 10, (k % rows) * 22 + 44
            colour = _QUIET if label == BACKGROUND else _EVENT
            text(label[:20], x, y, _TEXT)
            left = x + span / 2 - 40
            full = span / 2 + 10 - 30
            for share, shade in ((1.0, _TROUGH), (float(p), colour)):
                corners = (px(left), px(y - 11)), (px(left + full * share), px(y + 1))
                cv2.rectangle(panel, *corners, shade, cv2.FILLED)
        return panel


def _enlarge(frame: Frame, hands: Hands) -> tuple[Image, Hands]:
    """Frame and hands, enlarged by a whole factor to at least the least width."""
    factor = -(-_MIN_WIDTH // frame.size[0])
    if factor == 1:
        return frame.image, hands
    image = cv2.resize(frame.image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    scale = np.float32(factor)
    scaled = tuple(
        dataclasses.replace(h, landmarks=h.landmarks * scale, steady=h.steady * scale) for h in hands.hands
    )
    size = (hands.size[0] * factor, hands.size[1] * factor)
    return image.astype(np.uint8), dataclasses.replace(hands, hands=scaled, size=size)


def _banner(canvas: Image, text: str) -> None:
    height, width = canvas.shape[:2]
    top = height - max(44, height // 9)
    canvas[top:] = (canvas[top:] * 0.35).astype(np.uint8)
    scale = (height - top) / 44
    (w, h), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 2)
    if w > 0.96 * width:
        scale *= 0.96 * width / w
        (w, h), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 2)
    _text(canvas, text, ((width - w) // 2, (height + top + h) // 2), _EVENT, scale, 2)


def _ring(canvas: Image, share: float) -> None:
    """A ring at the top that closes while a hand is held up."""
    height, width = canvas.shape[:2]
    radius = height // 16
    centre, bold = (width // 2, 2 * radius), max(2, radius // 4)
    cv2.circle(canvas, centre, radius, _TROUGH, bold, cv2.LINE_AA)
    cv2.ellipse(canvas, centre, (radius, radius), -90, 0, 360 * share, _ARMED, bold, cv2.LINE_AA)


def _text(
    image: Image,
    text: str,
    at: tuple[int, int],
    colour: tuple[int, int, int],
    scale: float = 0.5,
    bold: int = 1,
) -> None:
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, bold, cv2.LINE_AA)
