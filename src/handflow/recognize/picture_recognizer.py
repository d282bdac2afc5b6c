"""Runs a trained image network: a clip at once, or frame after frame."""

import numpy as np

from handflow.errors import DatasetError
from handflow.recognize.features import Encoded
from handflow.recognize.model_folder import ModelInfo
from handflow.recognize.pictures import PictureInput, stored_picture, window_pictures
from handflow.recognize.recognizer import Network, Recognizer, clip_ends
from handflow.recognize.windows import cut_window
from handflow.types import BACKGROUND, Clip, Float32, HandSequence, Image

STRIDE = 0.06
"""Seconds between two windows that are scored live; every other frame at 30 frames a second."""


class PictureRecognizer(Recognizer):
    """Scores of a trained image network. Between two windows the last scores hold.

    Args:
        info: the model's own description.
        network: windows `(n, frames, height, width, 3)` of pictures to probabilities.
    """

    def __init__(self, info: ModelInfo, network: Network) -> None:
        super().__init__(info, network)
        assert info.pictures is not None and info.picture_input is not None, "ModelInfo has seen to that"
        self._whole = info.pictures.whole_clip
        self._input: PictureInput = info.picture_input
        self.needs_pictures = self._input.needs_frames

    def reset(self) -> None:
        """Forgets the frames seen so far: another source follows."""
        super().reset()
        self._last: tuple[float, Float32] | None = None
        self._frame_size = (0, 0)

    def _kept(self, image: Image | None) -> Image | None:
        if not self.needs_pictures:
            return None
        if image is None:
            raise ValueError(f"the input '{self._input.kind}' is cut from pictures: give those of the frames")
        self._frame_size = image.shape[1], image.shape[0]
        return stored_picture(image, self._input)

    def _probabilities(self, sequence: HandSequence, encoded: Encoded, end: float) -> Float32:
        if self._last is not None and end - self._last[0] < STRIDE - 1e-6:
            return self._last[1]
        if self._shows_hands(sequence, end, self.window_seconds):
            stored = [seen.picture for seen in self._frames if seen.picture is not None]
            window = self._look(sequence, stored, self._frame_size, end, self.window_seconds)
            probabilities: Float32 = self._network(window[None])[0]
        else:
            probabilities = np.zeros(len(self.labels), np.float32)
            probabilities[self.labels.index(BACKGROUND)] = 1
        self._last = (end, probabilities)
        return probabilities

    def _clip_scores(self, clip: Clip) -> Float32:
        sequence = clip.sequence.measured()
        stored: list[Image] = []
        if self.needs_pictures:
            if clip.frames is None:
                raise DatasetError(
                    f"clip '{clip.id}' holds landmarks alone, and this model looks at pictures "
                    f"(--input {self._input.kind}): name a dataset with pictures, or a model of another input"
                )
            stored = [stored_picture(frame.image, self._input) for frame in clip.frames]
        windows = [
            self._look(sequence, stored, clip.frame_size, end, seconds)
            for end, seconds in clip_windows(sequence, self.window_seconds, whole=self._whole)
            if self._shows_hands(sequence, end, seconds)
        ]
        if not windows:
            return np.zeros((0, len(self.labels)), np.float32)
        # One after the other: memory stays that of one window.
        scores: Float32 = np.concatenate([self._network(window[None]) for window in windows])
        return scores

    def _shows_hands(self, sequence: HandSequence, end: float, seconds: float) -> bool:
        """Whether a window does: the buffer reaches further back, to hands that may have gone since."""
        window = cut_window(sequence, end, seconds, hands_matter=self.info.hands_matter)
        return bool(window.known.any())

    def _look(
        self,
        sequence: HandSequence,
        stored: list[Image],
        frame_size: tuple[int, int],
        end: float,
        seconds: float,
    ) -> Image:
        return window_pictures(
            sequence, stored, frame_size, end, seconds, self._input, hands_matter=self.info.hands_matter
        )


def clip_windows(sequence: HandSequence, seconds: float, *, whole: bool) -> list[tuple[float, float]]:
    """Ends and durations (seconds) of the windows that stand for a clip: one over it all, or sliding ones."""
    if whole:
        return [(float(sequence.timestamps[-1]), max(sequence.duration, 1e-3))] if len(sequence) else []
    return [(end, seconds) for end in clip_ends(sequence, seconds)]
