"""The recorder: cuts takes out of a running source, one frame at a time.

A take starts by a key, by itself after a countdown, or by the hand's motion (hands-free). It stops after
seconds, after a number of frames, or when the hand rests. All times come from `Frame.timestamp`, so a camera
that drops to 15 frames a second in the dark gives the same takes.
"""

from collections import deque
from dataclasses import replace

import numpy as np

from handflow.data.hand_motion import HandMotion
from handflow.data.pictures import PackedFrame
from handflow.data.take import (
    Fault,
    Phase,
    RecorderConfig,
    RecorderState,
    Sample,
    sample_of,
    stalled,
    take_of,
    why_unusable,
)
from handflow.hands.slots import SlottedHands
from handflow.types import Frame

_SAME_TIME = 1e-4  # seconds: timestamps of the same frame, rounded by a container's time base


class Recorder:
    """A stage that watches frames with their hands and hands out complete takes.

    `update` for every frame; `trigger` starts a take now; `undo` takes back one complete take;
    `configure` changes the way takes start and stop while it runs.
    """

    def __init__(self, config: RecorderConfig | None = None) -> None:
        self.config = config or RecorderConfig()
        self.takes = 0
        self.rejections: list[str] = []
        self._motion = HandMotion(self.config.motion)
        self.reset()

    def reset(self) -> None:
        """Drops the take in progress and waits anew; complete takes stay counted."""
        self._motion.reset()
        self._past: deque[Sample] = deque()
        self._last: float | None = None
        self._triggered = False
        self._rest()

    def configure(self, config: RecorderConfig) -> None:
        """Goes on with another configuration; a take in progress is dropped."""
        self.config = config
        self._motion = HandMotion(config.motion)
        self.reset()

    def trigger(self) -> None:
        """Asks for a take with the next frame (the key R); without effect while one is under way."""
        self._triggered = True

    def undo(self) -> bool:
        """Takes the last complete take off the count. Returns whether there was one."""
        if self.takes == 0:
            return False
        self.takes -= 1
        if self._phase in (Phase.WAITING, Phase.SAVED, Phase.REJECTED, Phase.DONE):
            self._enter(Phase.WAITING, self._last or 0.0, "take undone")
        return True

    def update(self, frame: Frame, hands: SlottedHands, packed: PackedFrame | None = None) -> RecorderState:
        """Takes in one frame.

        Args:
            frame: its timestamp must not run back; frames that do not advance are left out.
            hands: the two hands of this frame.
            packed: what takes keep of it, a tenth of the memory; None: the frame as it is.

        Returns:
            The state after it; `take` is set on the frame that completes a take.
        """
        now = frame.timestamp
        if self._last is not None and now <= self._last:
            if now > self._last - 1.0:
                return self._state(self._last)
            self._restart_clock()
        gap = now - self._last if self._last is not None else 0.0
        self._last = now
        self._motion.update(now, hands.landmarks)
        sample = sample_of(frame, hands, (packed or frame) if self.config.keep_frames else None)
        state = self._step(sample, gap)
        self._past.append(sample)
        horizon = now - self.config.preroll - 2 * self.config.motion.lag - self.config.motion.lost_seconds
        while self._past[0].timestamp < horizon:
            self._past.popleft()
        return state

    def finish(self) -> RecorderState:
        """Ends with the source: completes a take that lacks less than one frame, drops any other."""
        now = self._last if self._last is not None else 0.0
        if self._phase is Phase.RECORDING and len(self._take) > 1:
            c = self.config
            times = [s.timestamp for s in self._take]
            step = float(np.median(np.diff(times)))
            resting = self._motion.still_since is not None
            if (c.stop == "seconds" and times[0] + c.seconds - times[-1] < 1.5 * step) or (
                c.stop == "rest" and self._moved and resting
            ):
                return self._complete(now)
            return self._reject(now, Fault("ended", "the source ended in the middle of the take"))
        return self._state(now)

    def _rest(self, message: str | None = None) -> None:
        """Back to the beginning of the next take."""
        enough = self.config.takes is not None and self.takes >= self.config.takes
        self._phase = Phase.DONE if enough else Phase.WAITING
        self._take: list[Sample] = []
        self._moved = False  # whether the hand has moved during the take
        self._since = -np.inf  # when the present phase began
        self._message = message
        self._code = ""

    def _restart_clock(self) -> None:
        """A camera that came back, or a file that began anew, counts time from elsewhere."""
        self._motion.reset()
        self._past.clear()
        self._last = None
        self._triggered = False
        self._rest("the source's clock ran back: waiting anew")

    def _enter(self, phase: Phase, now: float, message: str | None = None, code: str = "") -> None:
        self._phase, self._since, self._message, self._code = phase, now, message, code

    def _step(self, sample: Sample, gap: float) -> RecorderState:
        now, c = sample.timestamp, self.config
        triggered, self._triggered = self._triggered, False
        if self._phase is Phase.RECORDING:
            return self._record(sample, gap)
        if self._phase in (Phase.SAVED, Phase.REJECTED) and now - self._since >= c.pause:
            self._enter(Phase.WAITING, now)
        if self._phase is Phase.DONE:
            return self._state(now)
        if triggered and self._phase is not Phase.COUNTDOWN:
            self._enter(Phase.COUNTDOWN, now)
        if self._phase is Phase.WAITING and c.start == "auto":
            self._enter(Phase.COUNTDOWN, now)
        if self._phase is Phase.COUNTDOWN and now - self._since >= c.countdown - _SAME_TIME:
            self._take, self._moved = [], False
            self._enter(Phase.RECORDING, now)
            return self._record(sample, 0.0)
        if c.start == "motion" and self._motion_starts(now):
            return self._record(sample, gap)
        return self._state(now)

    def _motion_starts(self, now: float) -> bool:
        """Hands-free: a hand in sight that rests arms the recorder, its next motion starts the take."""
        motion, c = self._motion, self.config
        if self._phase is Phase.WAITING:
            still = motion.still_since
            # Rest counts from the end of the pause, so that the hand's way back is not taken for a gesture.
            if motion.seen and still is not None and now - max(still, self._since) >= c.ready_rest:
                self._enter(Phase.READY, now)
        elif self._phase is Phase.READY:
            if not motion.seen:
                self._enter(Phase.WAITING, now)
            elif motion.moving_since is not None:
                begin = max(motion.moving_since - c.preroll, self._since - c.ready_rest) - _SAME_TIME
                self._take, self._moved = [s for s in self._past if s.timestamp >= begin], True
                self._enter(Phase.RECORDING, now)
                return True
        return False

    def _record(self, sample: Sample, gap: float) -> RecorderState:
        now, c = sample.timestamp, self.config
        if self._take and gap > c.largest_gap:
            return self._reject(now, stalled(gap))
        if self._take and sample.size != self._take[0].size:
            message = f"the picture's size changed to {sample.size[0]}x{sample.size[1]}"
            return self._reject(now, Fault("size", message))
        begin = self._take[0].timestamp if self._take else now
        if c.stop == "frames":
            self._take.append(sample)
            return self._complete(now) if len(self._take) >= c.frames else self._state(now)
        if c.stop == "seconds":
            if now <= begin + c.seconds + _SAME_TIME:
                self._take.append(sample)
            return self._complete(now) if now >= begin + c.seconds - _SAME_TIME else self._state(now)
        self._take.append(sample)
        still = self._motion.still_since
        # A take that a key started may begin at rest: the hand must have moved before rest ends it.
        self._moved = self._moved or self._motion.moving_since is not None
        if self._moved and still is not None and now - still >= c.stop_rest:
            self._take = [s for s in self._take if s.timestamp <= still + c.tail + _SAME_TIME]
            return self._complete(now)
        if now - begin >= c.longest:
            message = f"the hand did not rest within {c.longest:g} s: rest it, or set --seconds"
            return self._reject(now, Fault("no-rest", message))
        return self._state(now)

    def _complete(self, now: float) -> RecorderState:
        c = self.config
        take = take_of(self._take)
        fault = why_unusable(take.sequence, c)
        if fault is not None:
            return self._reject(now, fault)
        self._take = []
        self.takes += 1
        done = c.takes is not None and self.takes >= c.takes
        self._enter(Phase.DONE if done else Phase.SAVED, now)
        return replace(self._state(now), take=take)

    def _reject(self, now: float, fault: Fault) -> RecorderState:
        self._take = []
        self.rejections.append(fault.message)
        self._enter(Phase.REJECTED, now, fault.message, fault.code)
        return replace(self._state(now), rejected=fault.message)

    def _state(self, now: float) -> RecorderState:
        c, phase = self.config, self._phase
        progress, count, code = 0.0, 0, phase.value
        number = f"take {self.takes + 1}" + (f" of {c.takes}" if c.takes else "")
        if phase is Phase.RECORDING:
            elapsed = now - self._take[0].timestamp if self._take else 0.0
            share = {
                "seconds": elapsed / c.seconds,
                "frames": len(self._take) / c.frames,
                "rest": elapsed / c.longest,
            }
            progress = float(min(share[c.stop], 1.0))
            message = f"recording {number}"
        elif phase is Phase.COUNTDOWN:
            count = max(int(np.ceil(c.countdown - (now - self._since) - _SAME_TIME)), 1)
            message = f"{number} in {count}"
        elif phase is Phase.READY:
            message = f"ready: begin {number}"
        elif phase is Phase.SAVED:
            message = f"take {self.takes} recorded" + (
                "; bring the hand back"
                if c.start == "motion"
                else ""
                if c.start == "auto"
                else ": R for the next"
            )
        elif phase is Phase.REJECTED:
            message, code = f"{number} rejected: {self._message}", self._code
        elif phase is Phase.DONE:
            message = f"all {self.takes} takes recorded"
        elif c.start == "motion" and self._motion.seen:
            message, code = "hold the hand still", "hold-still"
        elif c.start == "motion":
            message, code = "show a hand and hold it still", "show-hand"
        else:
            message = f"R records {number}"
        if phase is Phase.WAITING and self._message:
            message = f"{self._message}; {message}"
        return RecorderState(phase, message, self.takes, c.takes, progress, count, code=code)
