"""Runs a trained network on landmarks: a clip at once, or frame after frame."""

from collections import deque
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from handflow.errors import ModelFileError
from handflow.recognize.features import CHANNELS, Encoded, encode
from handflow.recognize.model_folder import NETWORK_FILE, ModelInfo, read_model_info
from handflow.recognize.spotter import Spotter
from handflow.recognize.windows import MARGIN, STEPS, Windows, cut_window
from handflow.types import BACKGROUND, LEFT, Float32, HandSequence, Scores

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
    """Feature windows to probabilities. Tests put a simple one in the place of ONNX Runtime."""

    def __call__(self, features: Float32) -> Float32:
        """(windows, CHANNELS, STEPS) to (windows, labels), each row summing to 1."""


class OnnxNetwork:
    """`model.onnx` on ONNX Runtime, one thread: a window is too small to share out."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        if not path.is_file():
            raise ModelFileError(f"{path} is missing: copy the model's whole folder, or train it again")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # its own lines would stand beside ours
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
        if len(inputs) != 1 or list(inputs[0].shape[1:]) != [CHANNELS, STEPS] or len(outputs) != 1:
            raise ModelFileError(f"{path} is no network for windows of landmarks: train the model again")
        self._input = inputs[0].name
        self.labels: int | None = outputs[0].shape[-1] if isinstance(outputs[0].shape[-1], int) else None

    def __call__(self, features: Float32) -> Float32:
        result: Float32 = self._session.run(None, {self._input: features})[0]
        return result


class Recognizer:
    """Scores of a trained model.

    Args:
        info: the model's own description.
        network: its weights.
    """

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
        self._frames: deque[tuple[float, TwoHands]] = deque()

    def spotter(self) -> Spotter:
        """A new spotter with this model's thresholds."""
        return Spotter(self.info.spotter)

    def update(self, hands: TwoHands, timestamp: float, frame: int) -> Scores:
        """Takes the hands of the next frame and scores the window that ends with it.

        Args:
            hands: the chosen person's two hands.
            timestamp: `Frame.timestamp`, seconds.
            frame: `Frame.index`.

        Raises:
            ValueError: the timestamp is not later than the one before.
        """
        if self._frames and timestamp <= self._frames[-1][0]:
            raise ValueError(f"frame of {timestamp} s comes after that of {self._frames[-1][0]} s")
        self._frames.append((timestamp, hands))
        while self._frames[0][0] < timestamp - self.window_seconds - MARGIN:
            self._frames.popleft()
        encoded = self._encode(self._window(self._buffer(), timestamp))
        side: Literal["left", "right", "both"] = "left" if encoded.acting[0] == LEFT else "right"
        return Scores(
            probabilities=self._score(encoded)[0],
            labels=self.labels,
            timestamp=timestamp,
            frame=frame,
            hand="both" if encoded.both[0] else side,
            track=self._last_track(int(encoded.acting[0])),
        )

    def classify(self, sequence: HandSequence) -> Float32:
        """Probabilities `(labels,)` for a whole clip that shows one gesture or none.

        Windows slide over the clip every `CLIP_STRIDE` seconds, as they do live. A gesture gets the mean of
        its `CLIP_PEAK` best windows, because it is shown in part of the clip only; background gets what the
        best gesture leaves. Where the training data had no background clips, background takes no part: the
        question is then which gesture the clip shows. A clip without a usable hand is background.
        """
        windows = [self._window(sequence, end) for end in clip_ends(sequence, self.window_seconds)]
        windows = [w for w in windows if w.known.any()]
        answer = np.zeros(len(self.labels), np.float32)
        place = self.labels.index(BACKGROUND)
        if not windows:
            answer[place] = 1
            return answer
        scores = self._score(self._encode(Windows.stack(windows)))  # (windows, labels)
        answer = np.sort(scores, axis=0)[-CLIP_PEAK:].mean(axis=0)
        answer[place] = 0
        if self.info.background == "learned":
            answer[place] = 1 - answer.max()
        total: Float32 = answer / max(float(answer.sum()), 1e-12)
        return total

    def _window(self, sequence: HandSequence, end: float) -> Windows:
        return cut_window(sequence, end, self.window_seconds, hands_matter=self.info.hands_matter)

    def _encode(self, windows: Windows) -> Encoded:
        return encode(windows, self.window_seconds, hands_matter=self.info.hands_matter)

    def _score(self, encoded: Encoded) -> Float32:
        return self._network(encoded.features)

    def _buffer(self) -> HandSequence:
        hands = [h for _, h in self._frames]
        return HandSequence(
            landmarks=np.stack([h.landmarks for h in hands]),
            timestamps=np.array([t for t, _ in self._frames], np.float64),
            handedness=np.stack([h.handedness for h in hands]),
            presence=np.stack([h.presence for h in hands]),
        )

    def _last_track(self, slot: int) -> int:
        """The track that was last seen in a slot, else in the other (a hand found again may have moved)."""
        for choice in (slot, 1 - slot):
            for _, hands in reversed(self._frames):
                if hands.tracks[choice] >= 0:
                    return int(hands.tracks[choice])
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


def load_recognizer(folder: Path | str) -> Recognizer:
    """Opens a trained model.

    Raises:
        ModelFileError: a file of the model is missing or damaged, or of another feature version.
    """
    folder = Path(folder)
    info = read_model_info(folder)
    network = OnnxNetwork(folder / NETWORK_FILE)
    if network.labels not in (None, len(info.labels)):
        raise ModelFileError(
            f"{folder / NETWORK_FILE} gives {network.labels} scores for {len(info.labels)} labels: "
            f"the files of two models are mixed, train the model again"
        )
    return Recognizer(info, network)
