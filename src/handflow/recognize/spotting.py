"""Spots gestures of each hand for itself, and those of both hands as one."""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from handflow.recognize.spotter import Spotter, SpotterConfig
from handflow.types import BACKGROUND, GestureEvent, Image, Scores

if TYPE_CHECKING:
    from handflow.hands import SlottedHands

FADING = 1.0
"""Seconds for which a hand that is no longer in the window counts as one that does nothing."""

_Part = Literal["left", "right", "both"]
_OVER = 0.4  # a hand that has taken part in a gesture of both waits until it scores below this
_ECHO = 0.5  # a hand that scores above this says for itself what the pair repeats
_SURER = 0.15  # a hand scores for itself where its score is further than this above the pair's
_QUIET = 0.2  # gestures that score below this need not wait for anything
_ALIKE = 0.1  # gesture scores of this difference count alike where a hand is chosen to be shown


class HandScorer(Protocol):
    """What spotting needs of a recognizer."""

    def update_each(
        self, hands: "SlottedHands", timestamp: float, frame: int, image: Image | None = None, /
    ) -> tuple[Scores, ...]:
        """Takes the next frame: one `Scores`, or those of "left", "right" and perhaps "both"."""

    def spotter(self) -> Spotter:
        """A new spotter with the model's thresholds."""

    def reset(self) -> None:
        """Forgets the frames seen so far."""


@dataclass(frozen=True, slots=True, eq=False)
class Spotted:
    """What is known of the gestures after one frame."""

    scores: Scores  # of the hand to show: that of the highest gesture score, else the one that moves more
    each: tuple[Scores, ...]  # of the one hand, or of left, right and perhaps both, as they were spotted
    events: tuple[GestureEvent, ...]


class Spotting:
    """Turns hands into gesture events: `update()` each frame in order, `finish()` at the end of the source.

    Where the recognizer gives one score, one spotter follows it, whichever hand it is of: a hand that was
    lost and comes back in the other slot goes on where it was. Where it tells two hands apart, the left
    hand, the right one and both together have a spotter each. Hands wait while the pair scores about as high,
    and after an event of the pair until their own scores have fallen; an event of the pair and one of a hand
    within `SpotterConfig.refractory` of each other are one gesture, the first. A pair that repeats what one
    of its hands says for itself, while the other says something else, adds nothing and is background.

    Where hands matter the same holds; the recognizer then never takes a left hand for a right one.

    Args:
        recognizer: scores the hands; it is reset together with the spotters.
        config: how spotters decide; None: as the model says.
    """

    def __init__(self, recognizer: HandScorer, config: SpotterConfig | None = None) -> None:
        self.recognizer = recognizer
        self._spotters: dict[_Part, Spotter] = {
            part: recognizer.spotter() if config is None else Spotter(config)
            for part in ("left", "right", "both")
        }
        self._refractory = self._spotters["both"].config.refractory
        self._forget()

    def reset(self) -> None:
        """Forgets everything: another source follows."""
        self.recognizer.reset()
        for spotter in self._spotters.values():
            spotter.reset()
        self._forget()

    def configure(self, config: SpotterConfig) -> None:
        """Goes on with another configuration, in the middle of whatever is going on."""
        for spotter in self._spotters.values():
            spotter.config = config
        self._refractory = config.refractory

    def _forget(self) -> None:
        self._lone: _Part | None = None  # whose spotter follows the only hand; None: two hands are seen
        self._two_until = -math.inf  # seconds, when two hands were seen last
        self._said: dict[bool, float] = {True: -math.inf, False: -math.inf}  # seconds, last event of both?
        self._waiting: dict[_Part, float] = {}  # hands that took part in a gesture of both, since when

    def update(
        self, slotted: "SlottedHands", timestamp: float, frame: int, image: Image | None = None
    ) -> Spotted:
        """Takes the hands of the next frame.

        Args:
            slotted: what the hand slots pass on.
            timestamp: `Frame.timestamp`, seconds.
            frame: `Frame.index`.
            image: `Frame.image`, for models that look at pictures.

        Raises:
            ValueError: the timestamp is not later than the one before, or a picture is missing.
        """
        if slotted.taken_over:
            self.reset()  # what came before was another person's
        return self.spot(self.recognizer.update_each(slotted, timestamp, frame, image))

    def spot(self, each: tuple[Scores, ...]) -> Spotted:
        """Takes the scores of the next frame, where somebody else asked the recognizer for them."""
        if len(each) == 1:
            return Spotted(each[0], each, self._follow(each[0]))
        each = self._settled(each)
        return Spotted(_to_show(each), each, self._follow_each(each))

    def finish(self) -> tuple[GestureEvent, ...]:
        """Events that are still pending when the source ends."""
        pending = [event for spotter in self._spotters.values() for event in spotter.finish()]
        return self._admitted(sorted(pending, key=lambda event: event.time))

    def _follow(self, scores: Scores) -> tuple[GestureEvent, ...]:
        """Events of the only hand. Its spotter goes with it where it changes the slot."""
        spotters = self._spotters
        if self._lone is None:
            self._lone = "right" if scores.hand == "both" else scores.hand
        elif scores.hand not in ("both", self._lone):
            spotters["left"], spotters["right"] = spotters["right"], spotters["left"]
            self._lone = scores.hand
        events = list(spotters[self._lone].update(scores))
        self._waiting.clear()
        if scores.timestamp - self._two_until <= FADING:
            nothing = _without_gesture(scores)
            for part, spotter in spotters.items():
                if part != self._lone:
                    events += spotter.update(dataclasses.replace(nothing, hand=part))
        return self._admitted(events)

    def _follow_each(self, each: Sequence[Scores]) -> tuple[GestureEvent, ...]:
        """Events of two hands, those of the pair first."""
        self._lone, self._two_until = None, each[0].timestamp
        of_pair_first = sorted(each, key=lambda scores: scores.hand != "both")
        return self._admitted(
            event for scores in of_pair_first for event in self._spotters[scores.hand].update(scores)
        )

    def _settled(self, each: tuple[Scores, ...]) -> tuple[Scores, ...]:
        """Scores of two hands and of the pair as their spotters get them: one gesture scores high once."""
        *hands, pair = each
        if pair.hand != "both":
            return each
        if _echoes(pair, hands):
            pair = _without_gesture(pair)
        together = _best(pair)[1]
        return (*(self._held_back(scores, together) for scores in hands), pair)

    def _held_back(self, scores: Scores, together: float) -> Scores:
        """A hand's own scores; background where the pair says about as much, or more."""
        since = self._waiting.get(scores.hand)
        if since is not None:
            if scores.timestamp - since < self._refractory or _best(scores)[1] >= _OVER:
                return _without_gesture(scores)
            del self._waiting[scores.hand]
        own = _best(scores)[1]
        return _without_gesture(scores) if own >= _QUIET and together >= own - _SURER else scores

    def _admitted(self, events: Iterable[GestureEvent]) -> tuple[GestureEvent, ...]:
        """Events without those that a pair and its hands say of one and the same gesture."""
        admitted = []
        for event in events:
            of_both = event.hand == "both"
            apart = event.time - self._two_until <= FADING  # else one spotter sees to it
            if apart and event.time - self._said[not of_both] < self._refractory:
                continue
            self._said[of_both] = event.time
            if of_both and apart:
                self._waiting = {"left": event.time, "right": event.time}
            admitted.append(event)
        return tuple(admitted)


def _best(scores: Scores) -> tuple[str, float]:
    """The likeliest gesture and its probability; 0 where there is none."""
    gestures = ((p, g) for p, g in zip(scores.probabilities.tolist(), scores.labels, strict=True))
    p, gesture = max(((p, g) for p, g in gestures if g != BACKGROUND), default=(0.0, BACKGROUND))
    return gesture, p


def _echoes(pair: Scores, hands: Sequence[Scores]) -> bool:
    """Whether the pair says what one of the hands says for itself, and the other hand does not."""
    gesture, _ = _best(pair)
    own = [best == gesture and p >= _ECHO for best, p in map(_best, hands)]
    return any(own) and not all(own)


def _without_gesture(scores: Scores) -> Scores:
    """The scores of hands that do nothing meant."""
    probabilities = np.zeros_like(scores.probabilities)
    probabilities[scores.labels.index(BACKGROUND)] = 1
    return dataclasses.replace(scores, probabilities=probabilities)


def _to_show(each: Sequence[Scores]) -> Scores:
    """The scores with the likeliest gesture; of those about alike, of the hand that moves more."""
    most = max(_best(scores)[1] for scores in each)
    alike = [scores for scores in each if _best(scores)[1] >= most - _ALIKE]
    return max(alike, key=lambda scores: -1.0 if math.isnan(scores.motion) else scores.motion)
