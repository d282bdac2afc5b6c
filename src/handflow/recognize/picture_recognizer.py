"""Runs a trained image network: a clip at once, or frame after frame."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from handflow.errors import DatasetError
from handflow.recognize.model_folder import ModelInfo
from handflow.recognize.pictures import PictureInput, stored_picture, window_pictures
from handflow.recognize.recent import TwoHands
from handflow.recognize.recognizer import Network, Recognizer, clip_ends
from handflow.recognize.windows import Sightings, cut_window
from handflow.types import Clip, Float32, HandSequence, Image, Scores

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
        self._stored: deque[Image] = deque()  # a picture of each recent frame

    def _remember(self, hands: TwoHands, timestamp: float, image: Image | None) -> None:
        if not self.needs_pictures:
            super()._remember(hands, timestamp, image)
            return
        if image is None:
            raise ValueError(f"the input '{self._input.kind}' is cut from pictures: give those of the frames")
        super()._remember(hands, timestamp, image)
        self._frame_size = image.shape[1], image.shape[0]
        self._stored.append(stored_picture(image, self._input))
        while len(self._stored) > len(self._recent):
            self._stored.popleft()

    def _shows_both(self, seen: Sightings, end: float) -> bool:
        """Never: pictures show both hands at once, so both have one score."""
        return False

    def _scores(self, shown: Sequence[Sightings], timestamp: float, frame: int) -> list[Scores]:
        (seen,) = shown
        window = cut_window(seen, timestamp, self.window_seconds, hands_matter=self.info.hands_matter)
        encoded = self._encode(window)
        if self._last is None or timestamp - self._last[0] >= STRIDE - 1e-6:
            self._last = timestamp, self._looked(timestamp) if window.known.any() else self._nothing()
        acting, both = int(encoded.acting[0]), bool(encoded.both[0])
        return [self._said(seen, self._last[1], timestamp, frame, acting=acting, both=both)]

    def _looked(self, end: float) -> Float32:
        """(labels,) for the window that ends with the last frame."""
        window = self._look(self._recent.sequence(), self._stored, self._frame_size, end, self.window_seconds)
        probabilities: Float32 = self._network(window[None])[0]
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
        stored: Sequence[Image],
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
