"""What a person is shown of the pictures of image networks: held-out windows, and those of training as drawn.

Nothing is cut or varied here: windows come from the classes that training and recognition use.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from handflow.errors import TrainingError
from handflow.evaluate.augmented_page import ShownClip, ShownWindow
from handflow.evaluate.inputs import SEES
from handflow.recognize.model_folder import ModelInfo
from handflow.recognize.picture_recognizer import clip_windows
from handflow.recognize.pictures import stored_picture, window_pictures
from handflow.train.augment import flips
from handflow.train.config import TrainConfig
from handflow.train.images import labels_of, make_cutters, split_clips, window_seconds
from handflow.train.picture_batches import PictureBatches
from handflow.train.picture_store import PictureStore
from handflow.train.picture_windows import PreparedClip, prepare_clips
from handflow.train.presets import IMAGE_MODELS
from handflow.train.vary import VaryPictures
from handflow.types import BACKGROUND, Clip, Float32, Image


def held_out_windows(clips: Sequence[Clip], info: ModelInfo, *, each: int = 2) -> list[tuple[str, Image]]:
    """Label and pictures (frames, height, width, 3) of the last window of some held-out clips.

    Args:
        clips: the held-out clips.
        info: of a trained image network.
        each: clips of a gesture at most.

    Raises:
        DatasetError: a picture is damaged.
    """
    given = info.picture_input
    assert given is not None and info.pictures is not None, "a network on landmarks sees no pictures"
    rows = []
    for label in info.labels:
        for clip in _spread([clip for clip in clips if clip.label == label], each):
            sequence = clip.sequence.measured()
            stored = None
            if given.needs_frames:
                assert clip.frames is not None, "it was evaluated on them"
                stored = [stored_picture(frame.image, given) for frame in clip.frames]
            end, seconds = clip_windows(sequence, info.window_seconds, whole=info.pictures.whole_clip)[-1]
            pictures = window_pictures(
                sequence, stored, clip.frame_size, end, seconds, given, hands_matter=info.hands_matter
            )
            rows.append((label, pictures))
    return rows


class TrainingWindows:
    """Windows that training draws, each clip with its plain window first. The same seed draws the same.

    Args:
        clips: clips that all show a hand, see `usable_clips`.
        config: of an image network, see `models.with_dataset`.
        each: clips of a gesture at most; only such as training learns from, none that are held out.
        draws: varied windows of a clip.

    Raises:
        TrainingError: the kind of model looks at no pictures, or the flip map is contradictory.
        DatasetError: the clips cannot be split as wished.
    """

    def __init__(self, clips: Sequence[Clip], config: TrainConfig, *, each: int = 4, draws: int = 4) -> None:
        if config.model not in IMAGE_MODELS:
            raise TrainingError(
                f"'{config.model}' looks at no pictures: choose --model {' or '.join(IMAGE_MODELS)}"
            )
        self._config, self._draws = config, draws
        learned = [clips[i] for i in split_clips(clips, config).learned]
        labels, background = labels_of(clips, config.images)
        self._labels = labels[:-1] if background == "doubt" else labels
        self._derived = background == "derived"
        self.seconds = config.window_seconds or window_seconds(learned, config.images)
        self._flipped = None if config.images.article_augmentation else flips(self._labels, config)
        self.clips = [
            clip for label in labels for clip in _spread([c for c in learned if c.label == label], each)
        ]

    def facts(self) -> list[str]:
        """What a person who looks at the windows must know, in sentences."""
        images = self._config.images
        span = "its whole clip" if images.whole_clip else f"about {self.seconds:.2f} s"
        size = f"{images.frames} pictures of {images.width}x{images.height} pixels"
        order = f"then {self._draws} times as {self._config.model} may get it (seed {self._config.seed})"
        facts = [
            SEES[images.input],
            f"A window shows {span} in {size}.",
            f"First it is shown as it is, {order}, with what training calls it.",
        ]
        if self._flipped is not None:
            facts.append("Half of the varied windows are mirrored, and are called what the flip map says.")
        if self._derived:
            facts.append(
                f"No '{BACKGROUND}' was recorded: some windows stand still or run in disorder to teach it."
            )
        return facts

    def __len__(self) -> int:
        return len(self.clips)

    def __iter__(self) -> Iterator[ShownClip]:
        """Draws the clips one after the other.

        Raises:
            TrainingError: a clip holds no pictures and the input needs them.
            DatasetError: a picture is damaged.
        """
        images = self._config.images
        stored = PictureStore(images.given).prepare(self.clips) if images.given.needs_frames else None
        cutters = make_cutters(self._labels, self.seconds, self._config, derive=self._derived)
        vary = VaryPictures(images.given, article=images.article_augmentation)
        rng = np.random.default_rng(self._config.seed)
        for number, prepared in enumerate(prepare_clips(self.clips, stored)):
            pictures, target = cutters.fixed.fixed(prepared)[0]
            batches = PictureBatches(
                [prepared],
                cutters.varied,
                draws=self._draws,
                batch=self._draws,
                flipped=self._flipped,
                rng=rng,
            )
            with torch.random.fork_rng(devices=()):  # kornia draws from torch's numbers
                torch.manual_seed(self._config.seed + number)
                varied = [
                    self._window(_bytes(window), drawn.numpy())
                    for batch, targets, _ in batches
                    for window, drawn in zip(vary(batch), targets, strict=True)
                ]
            yield self._clip(prepared, self._window(pictures, target), varied)

    def _clip(self, prepared: PreparedClip, plain: ShownWindow, varied: Sequence[ShownWindow]) -> ShownClip:
        clip = prepared.clip
        return ShownClip(clip.id, clip.label, clip.subject, plain, tuple(varied))

    def _window(self, pictures: Image, target: Float32) -> ShownWindow:
        named = sorted(zip(target.tolist(), self._labels, strict=True), key=lambda pair: -pair[0])
        return ShownWindow(pictures, tuple((label, share) for share, label in named if share > 0))


def _bytes(window: torch.Tensor) -> Image:
    """Pictures of 0 to 255 from those of 0 to 1."""
    pictures: Image = (window * 255 + 0.5).clamp(0, 255).to(torch.uint8).numpy()
    return pictures


def _spread(clips: Sequence[Clip], most: int) -> list[Clip]:
    """Some of the clips, from all over their order: neighbours often show the same person."""
    chosen = np.linspace(0, len(clips) - 1, min(most, len(clips))).round().astype(int)
    return [clips[i] for i in chosen]
