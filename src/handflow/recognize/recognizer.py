"""Runs a trained network on landmarks: a clip at once, or frame after frame."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from handflow.errors import ModelFileError
from handflow.recognize.features import CHANNELS, Encoded, encode
from handflow.recognize.model_folder import ModelInfo
from handflow.recognize.spotter import Spotter
from handflow.recognize.windows import MARGIN, STEPS, Windows, cut_window
from handflow.types import BACKGROUND, LEFT, Clip, Float32, HandSequence, Image, Scores

CLIP_STRIDE = 0.1
"""Seconds between the windows that are laid over a clip."""
CLIP_PEAK = 3
"""Best windows that decide about a clip: with the stride, about a quarter of a second of agreement."""
FIRST_CLIP_END = 0.5
"""Seconds into a clip after which its first window ends, though it began before the clip."""


class TwoHands(Protocol):
    """What a recognizer needs of a frame; `hands.SlottedHands` has it."""

    @property
    def landmarks(self) -> Float32:
        """(2, 21, 3) pixels, slot 0 left, slot 1 right; NaN where no hand is seen."""

    @property
    def handedness(self) -> Float32:
        """(2,) confidence that the hand is a right one; NaN unseen."""

    @property
    def presence(self) -> Float32:
        """(2,) confidence that a hand is there; 0 unseen."""

    @property
    def tracks(self) -> tuple[int, int]:
        """Track in each slot, -1 none."""


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


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What is kept of a frame."""

    timestamp: float
    hands: TwoHands
    picture: Image | None


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
        self._frames: deque[_Seen] = deque()

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
        sequence = self._buffer()
        encoded = self._encode(self._window(sequence, timestamp))
        side: Literal["left", "right", "both"] = "left" if encoded.acting[0] == LEFT else "right"
        return Scores(
            probabilities=self._probabilities(sequence, encoded, timestamp),
            labels=self.labels,
            timestamp=timestamp,
            frame=frame,
            hand="both" if encoded.both[0] else side,
            track=self._last_track(int(encoded.acting[0])),
        )

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
        """Takes a frame into the buffer and lets go of those that no window reaches any more."""
        if self._frames and timestamp <= self._frames[-1].timestamp:
            raise ValueError(f"frame of {timestamp} s comes after that of {self._frames[-1].timestamp} s")
        self._frames.append(_Seen(timestamp, hands, self._kept(image)))
        while self._frames[0].timestamp < timestamp - self.window_seconds - MARGIN:
            self._frames.popleft()

    def _kept(self, image: Image | None) -> Image | None:
        """What is kept of a frame's picture."""
        return None

    def _probabilities(self, sequence: HandSequence, encoded: Encoded, end: float) -> Float32:
        """(labels,) for the window that ends with the last frame."""
        probabilities: Float32 = self._network(encoded.features)[0]
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

    def _buffer(self) -> HandSequence:
        hands = [seen.hands for seen in self._frames]
        return HandSequence(
            landmarks=np.stack([h.landmarks for h in hands]),
            timestamps=np.array([seen.timestamp for seen in self._frames], np.float64),
            handedness=np.stack([h.handedness for h in hands]),
            presence=np.stack([h.presence for h in hands]),
        )

    def _last_track(self, slot: int) -> int:
        """The track that was last seen in a slot, else in the other (a hand found again may have moved)."""
        for choice in (slot, 1 - slot):
            for seen in reversed(self._frames):
                if seen.hands.tracks[choice] >= 0:
                    return int(seen.hands.tracks[choice])
        return -1


def clip_ends(sequence: HandSequence, seconds: float) -> list[float]:
    """Ends (seconds) of the windows laid over a clip, all on frames, the clip's last frame among them."""
    if not len(sequence):
        return []
    times = sequence.timestamps
    first, last = float(times[0]), float(times[-1])
    wished = np.arange(last, first + min(seconds, FIRST_CLIP_END) - 1e-6, -CLIP_STRIDE)
    frames = np.clip(np.searchsorted(times, wished + 1e-6, side="right") - 1, 0, None)
    return [float(times[i]) for i in sorted({int(i) for i in frames} | {len(times) - 1})]
