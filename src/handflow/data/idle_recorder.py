"""The recorder of idle minutes: cuts a running source into clips of `background`, one after the other."""

from dataclasses import dataclass, replace

from handflow.data.pictures import PackedFrame, pack_frame
from handflow.data.take import Phase, RecorderState, Sample, sample_of, take_of
from handflow.hands.slots import SlottedHands
from handflow.types import Frame

LEAST, LONGEST = 5.0, 12 * 3600.0
"""Seconds that one recording may be asked to last."""
_SAME_TIME = 1e-4  # seconds: timestamps of the same frame, rounded by a container's time base


@dataclass(frozen=True, slots=True)
class IdleConfig:
    """How idle minutes are cut. Durations are seconds."""

    seconds: float  # to record, those without a hand included
    clip_seconds: float = 10.0  # of each clip
    shortest: float = 2.0  # a shorter rest, before a stall or at the end, is dropped
    countdown: float = 3.0  # before it begins; 0: none
    largest_gap: float = 0.5  # no picture for longer than this: the clip ends, and the time does not count
    keep_frames: bool = True  # False: clips hold landmarks alone

    def __post_init__(self) -> None:
        if not LEAST <= self.seconds <= LONGEST:
            raise ValueError(
                f"--background {self.seconds:g}s must be between {LEAST:g}s and {LONGEST / 3600:g}h: "
                "five minutes (5m) are a good start"
            )
        if not 0 <= self.countdown <= 60:
            raise ValueError(f"--countdown {self.countdown:g} must be between 0 and 60 seconds")
        if not 0 < self.shortest <= self.clip_seconds <= 60:
            raise ValueError(f"clip_seconds {self.clip_seconds:g} must be between {self.shortest:g} and 60")


class IdleRecorder:
    """A stage like `Recorder` that needs no key: `update` for every frame, `finish` when it is over.

    Attributes:
        takes: clips handed out so far.
        rejections: a line for each clip that showed no hand.
        elapsed: seconds of the source that were recorded, those without a hand included.
    """

    def __init__(self, config: IdleConfig) -> None:
        self.config = config
        self.takes = 0
        self.rejections: list[str] = []
        self.elapsed = 0.0
        self.reset()

    def reset(self) -> None:
        """Drops the clip in progress and counts down anew; time and clips stay counted."""
        enough = self.elapsed >= self.config.seconds - _SAME_TIME
        self._phase = Phase.DONE if enough else Phase.COUNTDOWN
        self._clip: list[Sample] = []
        self._last: float | None = None
        self._begun: float | None = None

    def update(self, frame: Frame, hands: SlottedHands, packed: PackedFrame | None = None) -> RecorderState:
        """Takes in one frame; `take` is set in the state of the frame that ends a clip.

        Args:
            frame: its timestamp must not run back; frames that do not advance are left out.
            hands: the two hands of this frame.
            packed: what clips keep of it; None: it is packed here.
        """
        now = frame.timestamp
        if self._last is not None and now <= self._last:
            if now > self._last - 1.0:
                return self._state(self._last)
            self._last = self._begun = None  # the source's clock began anew
        gap = now - self._last if self._last is not None else 0.0
        self._last = now
        self._begun = now if self._begun is None else self._begun
        if self._phase is Phase.COUNTDOWN and now - self._begun >= self.config.countdown - _SAME_TIME:
            self._phase, gap = Phase.RECORDING, 0.0
        if self._phase is not Phase.RECORDING:
            return self._state(now)
        self.elapsed += gap if gap <= self.config.largest_gap else 0.0
        if self.elapsed >= self.config.seconds - _SAME_TIME:
            return self.finish()
        kept = (packed or pack_frame(frame)) if self.config.keep_frames else None
        sample = sample_of(frame, hands, kept)
        if self._ends_before(sample, gap):
            return self._cut(now, sample)
        self._clip.append(sample)
        return self._state(now)

    def finish(self) -> RecorderState:
        """Ends the recording; what is left of the last clip is handed out if it is long enough."""
        now = self._last if self._last is not None else 0.0
        self._phase = Phase.DONE
        return self._cut(now, None)

    def _ends_before(self, sample: Sample, gap: float) -> bool:
        """Whether the clip in progress ends before this sample."""
        if not self._clip:
            return False
        first = self._clip[0]
        return (
            sample.timestamp - first.timestamp >= self.config.clip_seconds - _SAME_TIME
            or sample.timestamp <= self._clip[-1].timestamp
            or gap > self.config.largest_gap
            or sample.size != first.size
        )

    def _cut(self, now: float, following: Sample | None) -> RecorderState:
        """Ends the clip in progress, if there is one; `following` begins the next."""
        samples, self._clip = self._clip, [following] if following is not None else []
        length = samples[-1].timestamp - samples[0].timestamp if len(samples) > 1 else 0.0
        if length < self.config.shortest:
            return self._state(now)
        take = take_of(samples)
        if not take.sequence.seen.any():
            reason = f"no hand in sight from {clock(self.elapsed - length)} to {clock(self.elapsed)}"
            self.rejections.append(reason)
            return replace(self._state(now), rejected=reason, code="no-hand")
        self.takes += 1
        return replace(self._state(now), take=take)

    def _state(self, now: float) -> RecorderState:
        c = self.config
        count, progress = 0, min(self.elapsed / c.seconds, 1.0)
        clips = f"{self.takes} clip{'s' * (self.takes != 1)} kept"
        if self._phase is Phase.COUNTDOWN:
            waited = now - self._begun if self._begun is not None else 0.0
            count = max(int(-(-(c.countdown - waited - _SAME_TIME) // 1)), 1)
            message = f"idle minutes begin in {count}"
        else:
            message = f"{clock(self.elapsed)} of {clock(c.seconds)}, {clips}"
            if self.rejections:
                message += f", {len(self.rejections)} without a hand left out"
        code = self._phase.value
        return RecorderState(self._phase, message, self.takes, None, progress, count, code=code)


def clock(seconds: float) -> str:
    """Seconds as a clock shows them.

    >>> clock(75.0), clock(3600.4)
    ('1:15', '1:00:00')
    """
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, seconds_left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{seconds_left:02d}" if hours else f"{minutes}:{seconds_left:02d}"
