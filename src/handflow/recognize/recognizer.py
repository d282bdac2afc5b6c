"""Runs a trained network on landmarks: a clip at once, or frame after frame."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from handflow.errors import ModelFileError
from handflow.recognize.features import CHANNELS, Encoded, encode
from handflow.recognize.model_folder import ModelInfo
from handflow.recognize.recent import RecentHands, TwoHands, hand_motion
from handflow.recognize.spotter import Spotter
from handflow.recognize.windows import MARGIN, STEPS, Sightings, Windows, cut_window, sightings
from handflow.types import BACKGROUND, LEFT, RIGHT, Clip, Float32, HandSequence, Image, Scores

CLIP_STRIDE = 0.1
"""Seconds between the windows that are laid over a clip."""
CLIP_PEAK = 3
"""Best windows that decide about a clip: with the stride, about a quarter of a second of agreement."""
FIRST_CLIP_END = 0.5
"""Seconds into a clip after which its first window ends, though it began before the clip."""


class Network(Protocol):
    """Windows to probabilities. Tests put a simple one in the place of ONNX Runtime."""

    def __call__(self, windows: Float32 | Image, /) -> Float32:
        """(windows, …), as `OnnxNetwork` was told, to (windows, labels), each row summing to 1."""


class OnnxNetwork:
    """`model.onnx` on ONNX Runtime.

    Args:
        path: the file.
        shape: of one window: (CHANNELS, STEPS) of features, or (frames, height, width, 3) of pictures.
        threads: a window of landmarks is too small to share out.
    """

    def __init__(self, path: Path, shape: Sequence[int] = (CHANNELS, STEPS), *, threads: int = 1) -> None:
        import onnxruntime

        if not path.is_file():
            raise ModelFileError(f"{path} is missing: copy the model's whole folder, or train it again")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4  # its own lines would stand beside ours
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                path.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        # ONNX Runtime's exceptions have no common base but Exception; none of ours arise in these lines.
        except Exception as error:  # noqa: BLE001
            raise ModelFileError(
                f"{path} is damaged ({type(error).__name__}): copy it again, or train it again"
            ) from None
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or list(inputs[0].shape[1:]) != list(shape) or len(outputs) != 1:
            raise ModelFileError(f"{path} is no network for the windows of this model: train the model again")
        self._input = inputs[0].name
        self.labels: int | None = outputs[0].shape[-1] if isinstance(outputs[0].shape[-1], int) else None

    def __call__(self, windows: Float32 | Image) -> Float32:
        result: Float32 = self._session.run(None, {self._input: windows})[0]
        return result


class Recognizer:
    """Scores of a trained model.

    Args:
        info: the model's own description.
        network: its weights.
    """

    needs_pictures = False
    """Whether `update` and `classify` must be given pictures."""

    def __init__(self, info: ModelInfo, network: Network) -> None:
        self.info = info
        self._network = network
        self._recent = RecentHands(info.window_seconds + MARGIN)
        self.reset()

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels in the order of the probabilities, background among them."""
        return self.info.labels

    @property
    def window_seconds(self) -> float:
        """How far back a window looks."""
        return self.info.window_seconds

    def reset(self) -> None:
        """Forgets the frames seen so far: another source follows."""
        self._recent.clear()

    def spotter(self) -> Spotter:
        """A new spotter with this model's thresholds."""
        return Spotter(self.info.spotter)

    def update(self, hands: TwoHands, timestamp: float, frame: int, image: Image | None = None) -> Scores:
        """Takes the hands of the next frame and scores the window that ends with it.

        Args:
            hands: the chosen person's two hands.
            timestamp: `Frame.timestamp`, seconds.
            frame: `Frame.index`.
            image: `Frame.image`, for models that look at pictures.

        Raises:
            ValueError: the timestamp is not later than the one before, or a picture is missing.
        """
        self._remember(hands, timestamp, image)
        return self._scores([self._recent.sightings], timestamp, frame)[0]

    def update_each(
        self, hands: TwoHands, timestamp: float, frame: int, image: Image | None = None
    ) -> tuple[Scores, ...]:
        """Takes the next frame as `update` does, and scores each hand for itself where there are two.

        Where the window shows one hand, or none, these are the scores of `update` alone. Else they are those
        of the left hand as if the right one were not there, those of the right hand alike, and those of
        both together (`hand` "both"), which are background unless both hands move about as much. A hand
        that came back in the other slot is one hand (`windows.merge_slots`), unless hands matter: then the
        left and the right hand are two, seen together or not.
        """
        self._remember(hands, timestamp, image)
        seen = self._recent.sightings
        if not self._shows_both(seen, timestamp):
            return (self._scores([seen], timestamp, frame)[0],)
        return self._scores_apart(seen, timestamp, frame)

    def classify(self, clip: Clip) -> Float32:
        """Probabilities `(labels,)` for a whole clip that shows one gesture or none.

        Windows slide over the clip every `CLIP_STRIDE` seconds, as they do live. A gesture gets the mean of
        its `CLIP_PEAK` best windows, because it is shown in part of the clip only; background gets what the
        best gesture leaves. Where the training data had no background clips, background takes no part: the
        question is then which gesture the clip shows. A clip without a usable hand is background.

        Raises:
            DatasetError: the clip holds no pictures and the model needs them.
        """
        scores = self._clip_scores(clip)  # (windows, labels)
        answer = np.zeros(len(self.labels), np.float32)
        place = self.labels.index(BACKGROUND)
        if not len(scores):
            answer[place] = 1
            return answer
        answer = np.sort(scores, axis=0)[-CLIP_PEAK:].mean(axis=0)
        answer[place] = 0
        if self.info.background == "learned":
            answer[place] = 1 - answer.max()
        total: Float32 = answer / max(float(answer.sum()), 1e-12)
        return total

    def _remember(self, hands: TwoHands, timestamp: float, image: Image | None) -> None:
        """Takes a frame and lets go of those that no window reaches any more."""
        self._recent.add(hands, timestamp)

    def _shows_both(self, seen: Sightings, end: float) -> bool:
        """Whether a window that ends at `end` shows two hands, not one that came back in the other slot."""
        usable = sightings(seen, end - self._reach - 1e-6, math.inf).usable
        if self.info.hands_matter:
            return bool(usable.any(axis=0).all())
        return bool(usable.all(axis=1).any())

    @property
    def _reach(self) -> float:
        """Seconds back that windows show."""
        return self.window_seconds

    def _scores(self, shown: Sequence[Sightings], timestamp: float, frame: int) -> list[Scores]:
        """Scores of windows that end now, one for each choice of hands."""
        windows = [
            cut_window(s, timestamp, self.window_seconds, hands_matter=self.info.hands_matter) for s in shown
        ]
        encoded = self._encode(windows[0] if len(windows) == 1 else Windows.stack(windows))
        return [
            self._said(seen, p, timestamp, frame, acting=int(acting), both=bool(both))
            for seen, p, acting, both in zip(
                shown, self._network(encoded.features), encoded.acting, encoded.both, strict=True
            )
        ]

    def _scores_apart(self, seen: Sightings, timestamp: float, frame: int) -> tuple[Scores, ...]:
        """Scores of the left hand, of the right one and of both."""
        left, right, pair = self._scores([seen.alone(LEFT), seen.alone(RIGHT), seen], timestamp, frame)
        if pair.hand != "both":
            pair = dataclasses.replace(pair, probabilities=self._nothing(), hand="both")
        return self._named(left, LEFT), self._named(right, RIGHT), pair

    def _named(self, scores: Scores, slot: int) -> Scores:
        """Scores of a hand alone: a hand that is hardly seen would else be called the usual one."""
        hand: Literal["left", "right"] = "left" if slot == LEFT else "right"
        return dataclasses.replace(scores, hand=hand, track=self._recent.last_track(slot))

    def _said(
        self,
        seen: Sightings,
        probabilities: Float32,
        timestamp: float,
        frame: int,
        *,
        acting: int,
        both: bool,
    ) -> Scores:
        """Scores with the name of the hand they are of, its track and its motion."""
        side: Literal["left", "right"] = "left" if acting == LEFT else "right"
        motion = hand_motion(seen, acting, timestamp, hands_matter=self.info.hands_matter)
        if both:
            other = hand_motion(seen, 1 - acting, timestamp, hands_matter=self.info.hands_matter)
            motion = max((m for m in (motion, other) if not math.isnan(m)), default=math.nan)
        return Scores(
            probabilities=probabilities,
            labels=self.labels,
            timestamp=timestamp,
            frame=frame,
            hand="both" if both else side,
            track=self._last_track(acting),
            motion=motion,
        )

    def _nothing(self) -> Float32:
        """(labels,) surely background."""
        probabilities = np.zeros(len(self.labels), np.float32)
        probabilities[self.labels.index(BACKGROUND)] = 1
        return probabilities

    def _clip_scores(self, clip: Clip) -> Float32:
        """(windows, labels) for the windows of a clip that show a hand."""
        sequence = clip.sequence
        windows = [self._window(sequence, end) for end in clip_ends(sequence, self.window_seconds)]
        windows = [w for w in windows if w.known.any()]
        if not windows:
            return np.zeros((0, len(self.labels)), np.float32)
        return self._network(self._encode(Windows.stack(windows)).features)

    def _window(self, sequence: HandSequence, end: float) -> Windows:
        return cut_window(sequence, end, self.window_seconds, hands_matter=self.info.hands_matter)

    def _encode(self, windows: Windows) -> Encoded:
        return encode(windows, self.window_seconds, hands_matter=self.info.hands_matter)

    def _last_track(self, slot: int) -> int:
        """The track that was last seen in a slot, else in the other (a hand found again may have moved)."""
        track = self._recent.last_track(slot)
        return track if track >= 0 else self._recent.last_track(1 - slot)


def clip_ends(sequence: HandSequence, seconds: float) -> list[float]:
    """Ends (seconds) of the windows laid over a clip, all on frames, the clip's last frame among them."""
    if not len(sequence):
        return []
    times = sequence.timestamps
    first, last = float(times[0]), float(times[-1])
    wished = np.arange(last, first + min(seconds, FIRST_CLIP_END) - 1e-6, -CLIP_STRIDE)
    frames = np.clip(np.searchsorted(times, wished + 1e-6, side="right") - 1, 0, None)
    return [float(times[i]) for i in sorted({int(i) for i in frames} | {len(times) - 1})]
