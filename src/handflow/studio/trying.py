"""Trying a model at the desk: scores, events, what is bound to them, and takes made of its mistakes."""

import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal

from handflow.data.dataset import ClipEntry
from handflow.data.take import Sample, sample_of, take_of
from handflow.live.acting import Acting
from handflow.recognize import load_recognizer, read_model_info
from handflow.recognize.spotting import Spotted, Spotting
from handflow.studio.errors import StudioError, absent
from handflow.studio.recording import Keeper, MakeKeeper, Shown, Tell
from handflow.studio.workspace import Project
from handflow.types import BACKGROUND, GestureEvent

KEPT_SECONDS = 10.0
"""Of what was seen last, for takes made of it."""
_KEPT_EVENTS = 12  # whose moments are kept
_BEFORE, _AFTER = 0.4, 0.3  # seconds around a stroke that belong to its take
_REACTION = 5.0  # seconds between a missed gesture and the person's saying so, at most
_HINT = 0.1  # a score of a missed gesture from which on its peak says when it was
_USUAL = 1.0  # seconds that a gesture lasts of which nothing is known
_SHORTEST = 0.5  # seconds of a take

WRONG, MISSED = "studio: not meant", "studio: missed"
"""How `source` begins of takes that were made of an event that was none, and of a gesture that was missed."""

Armed = Literal["off", "dry", "armed"]


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    sample: Sample
    scores: dict[str, float]  # best of each gesture


class Trying:
    """Recognizes gestures, and acts on them if it is told to.

    Args:
        project: whose model and bindings are tried.
        make_keeper: for takes made of mistakes.
        tell: takes messages for the page.
        keep_frames: whether such takes keep their pictures.

    Raises:
        StudioError: there is no model yet.
        ModelFileError: it cannot be opened.
    """

    name = "try"

    def __init__(self, project: Project, make_keeper: MakeKeeper, tell: Tell, *, keep_frames: bool) -> None:
        self._project, self._tell, self.keep_frames = project, tell, keep_frames
        self.model = project.needed_model()
        self._make_keeper = make_keeper
        self._recognizer = load_recognizer(self.model)
        self._spotting = Spotting(self._recognizer)
        self._usual = self._recognizer.info.gesture_seconds
        self._moments: deque[_Moment] = deque()
        self._events: OrderedDict[int, tuple[GestureEvent, list[Sample]]] = OrderedDict()
        self._number = 0
        self._keepers: list[Keeper] = []
        self._acting: Acting | None = None
        self.armed: Armed = "off"

    def restart(self, source: str) -> None:
        """Forgets what was seen."""
        self._spotting.reset()
        self._moments.clear()

    def update(self, shown: Shown) -> dict[str, Any]:
        """Takes a frame; its scores."""
        frame = shown.frame
        spotted = self._spotting.update(shown.slotted, frame.timestamp, frame.index, frame.image)
        self._remember(shown, spotted)
        for event in spotted.events:
            self._say(event, shown.received)
        if self._acting is not None:
            self._acting.update(spotted.events, spotted.each)
        scores = spotted.scores
        shares = zip(scores.labels, scores.probabilities.tolist(), strict=True)
        return {"scores": {label: round(share, 3) for label, share in shares}, "hand": scores.hand}

    def retune(self) -> None:
        """Takes over the sensitivity that the model now has; nothing that is going on is lost."""
        self._spotting.configure(read_model_info(self.model).spotter)

    def act(self, armed: Armed) -> None:
        """Performs what gestures are bound to, says what would be done, or neither.

        Raises:
            HandflowError: there are no bindings, or they cannot be used here.
        """
        if armed == self.armed:
            return
        self._end_acting()
        try:
            if armed != "off":
                self._begin_acting(dry_run=armed == "dry")
            self.armed = armed
        finally:
            self._tell({"type": "armed", "armed": self.armed == "armed", "acting": self.armed})

    def wrong(self, number: int) -> None:
        """Makes the moments of an event a take of background.

        Raises:
            StudioError: they are no longer known.
        """
        if number not in self._events:
            raise StudioError(
                "too-late", "the moments of this event are no longer kept: record idle hands", 404
            )
        event, samples = self._events.pop(number)
        self._store(BACKGROUND, f"{WRONG} ({event.gesture})", samples)

    def missed(self, gesture: str) -> None:
        """Makes the last seconds a take of a gesture: about its highest score, where it had one.

        Raises:
            StudioError: the model was not taught it, the project has it no longer, or nothing was seen.
        """
        if gesture == BACKGROUND or gesture not in self._recognizer.labels:
            raise StudioError(
                "absent", f"the model was not taught '{gesture}'", 404, what="gesture", name=gesture
            )
        dataset = self._project.takes.open()
        # A model that was brought in alone learned from takes that are elsewhere: those here were made here.
        if gesture not in dataset.gestures and not all(_made_here(entry) for entry in dataset.scan()[0]):
            raise absent("gesture", gesture)
        self._store(gesture, MISSED, self._last_seconds(gesture))

    def tick(self) -> None:
        """Tells of takes that are on disk by now.

        Raises:
            DatasetError: one could not be saved.
        """
        for keeper in list(self._keepers):
            keeper.tick()
            if keeper.settled:
                self._keepers.remove(keeper)
                keeper.close()

    def close(self) -> None:
        """Ends actions; takes that were made are kept."""
        self._end_acting()
        with ExitStack() as ending:  # each is closed, whatever becomes of the others
            for keeper in self._keepers:
                ending.callback(keeper.close)
            self._keepers = []

    def _remember(self, shown: Shown, spotted: Spotted) -> None:
        frame = shown.frame
        sample = sample_of(frame, shown.slotted, shown.packed if self.keep_frames else None)
        scores: dict[str, float] = {}
        for each in spotted.each:
            for gesture, p in zip(each.labels, each.probabilities.tolist(), strict=True):
                scores[gesture] = max(p, scores.get(gesture, 0.0))
        if self._moments and self._moments[0].sample.size != sample.size:
            self._moments.clear()
        self._moments.append(_Moment(sample, scores))
        while self._moments[0].sample.timestamp < frame.timestamp - KEPT_SECONDS:
            self._moments.popleft()

    def _say(self, event: GestureEvent, received: float) -> None:
        self._number += 1
        self._events[self._number] = event, self._between(event.onset - _BEFORE, event.time)
        while len(self._events) > _KEPT_EVENTS:
            self._events.popitem(last=False)
        self._tell(
            {
                "type": "event",
                "id": self._number,
                "gesture": event.gesture,
                "score": round(event.score, 3),
                "hand": event.hand,
                "onset": round(event.onset, 4),
                "offset": None if event.offset is None else round(event.offset, 4),
                "t": event.time,
                "latency": round(1000 * (time.perf_counter() - received), 1),
                "after": None if event.offset is None else round(1000 * (event.time - event.offset), 1),
            }
        )

    def _between(self, begin: float, end: float) -> list[Sample]:
        return [m.sample for m in self._moments if begin <= m.sample.timestamp <= end]

    def _last_seconds(self, gesture: str) -> list[Sample]:
        if not self._moments:
            return []
        now = self._moments[-1].sample.timestamp
        usual = self._usual.get(gesture, _USUAL)
        recent = [m for m in self._moments if m.sample.timestamp >= now - _REACTION]
        best = max(recent, key=lambda m: m.scores.get(gesture, 0.0))
        if best.scores.get(gesture, 0.0) >= _HINT:
            peak = best.sample.timestamp
            return self._between(peak - usual - _BEFORE, peak + _AFTER)
        return self._between(now - usual - _REACTION / 2, now)

    def _store(self, gesture: str, source: str, samples: Sequence[Sample]) -> None:
        if len(samples) < 2 or samples[-1].timestamp - samples[0].timestamp < _SHORTEST:
            raise StudioError("too-little", "too little was seen to make a take of it: record one")
        take = take_of(samples)
        if not take.sequence.seen.any():
            raise StudioError("no-hand", "no hand was in sight in these moments: record a take")
        keeper = self._make_keeper(gesture)
        keeper.add(take, source)
        self._keepers.append(keeper)

    def _begin_acting(self, *, dry_run: bool) -> None:
        if not self._project.bindings.is_file():
            raise StudioError("no-bindings", "nothing is bound yet: bind a gesture first")
        self._acting = Acting(
            self._project.bindings, dry_run=dry_run, subscribers=_Page(self._tell), tell=self._note
        )

    def _end_acting(self) -> None:
        acting, self._acting = self._acting, None
        self.armed = "off"
        if acting is not None:
            acting.close()

    def _note(self, line: str) -> None:
        self._tell({"type": "note", "message": line})


def _made_here(entry: ClipEntry) -> bool:
    """Whether a take was made of what a model did wrong."""
    return entry.source.startswith((WRONG, MISSED))


class _Page:
    """A page that hears what becomes of actions."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def start(self) -> None:
        """It listens already."""

    def send(self, document: dict[str, Any], /) -> None:
        """Passes outcomes and changes of mode on; events were said before."""
        if document["type"] == "action":
            self._tell({**document, "type": "did"})
        elif document["type"] == "mode":
            self._tell({"type": "layer", "layer": document["mode"]})

    def close(self) -> None:
        """It listens on."""
