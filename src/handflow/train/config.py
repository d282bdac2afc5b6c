"""How to train: one dataclass, every field checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from handflow.recognize.pictures import InputKind, PictureInput

ValidationBy = Literal["auto", "subject", "session", "clip"]


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What an image network sees, and what its pictures go through in training."""

    input: InputKind = "mask"
    frames: int = 12  # of a window, evenly spaced in time
    height: int = 72  # pixels
    width: int = 96  # pixels
    whole_clip: bool = (
        False  # a clip is one window from its first frame to its last; else windows slide over it
    )
    draws: int = 2  # windows of each clip in an epoch
    norm_momentum: float = 0.9  # of batch norm; Keras has 0.99, which needs hundreds of steps to settle
    gate_activation: Literal["sigmoid", "hard_sigmoid"] = "sigmoid"  # of ConvLSTM
    article_augmentation: bool = False  # each clip once as it is and once varied, by the article's set alone

    def __post_init__(self) -> None:
        PictureInput(self.input, self.frames, self.height, self.width)
        for name, value in (("height", self.height), ("width", self.width)):
            if not 48 <= value <= 1024:
                raise ValueError(f"{name} is {value}, expected 48 to 1024 pixels")
        if not 1 <= self.draws <= 100:
            raise ValueError(f"draws is {self.draws}, expected 1 to 100")

    @property
    def given(self) -> PictureInput:
        """What is cut from frames."""
        return PictureInput(self.input, self.frames, self.height, self.width)


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How a model is trained. `configured` fills in what suits a kind of model."""

    model: str = "landmark"  # a name in train.MODELS
    seed: int = 0
    epochs: int = 36  # at most; early stopping usually ends before
    patience: int = 10  # epochs without a better validation loss before training stops
    batch: int = 64  # windows a step
    optimizer: Literal["adamw", "adam"] = "adamw"  # adamw: one cycle of rates; adam: one rate, as in Keras
    averaging: bool = True  # whether a running mean of the weights is kept instead of the last
    learning_rate: float = 3e-3
    weight_decay: float = 0.03
    label_smoothing: float = 0.05  # share of the truth that is spread over all labels
    validation_by: ValidationBy = "auto"  # auto: by subject, else session, else clip, as the data allows
    validation_share: float = 0.2  # of the subjects, sessions or clips
    test_share: float = 0.0  # of them that training does not look at; 0: the validation clips are reported on
    window_seconds: float | None = None  # None: chosen from the clips
    hands_matter: bool = False  # whether left and right hand make different gestures
    members: int = 1  # landmark networks that vote, each trained for itself
    idle_minutes: float = 20.0  # of idle hands of virtual persons that are shown besides the clips
    flip_map: Mapping[str, str] = field(default_factory=dict)  # label of a mirrored clip; empty: no flips
    device: Literal["auto", "cpu", "gpu"] = "auto"
    images: ImageConfig = field(default_factory=ImageConfig)  # of image networks

    def __post_init__(self) -> None:
        for name, low, high in (
            ("epochs", 1, 10_000),
            ("patience", 1, 10_000),
            ("batch", 1, 4096),
            ("learning_rate", 1e-6, 1),
            ("weight_decay", 0, 1),
            ("label_smoothing", 0, 0.5),
            ("validation_share", 0.05, 0.5),
            ("test_share", 0, 0.5),
            ("members", 1, 16),
            ("idle_minutes", 0, 600),
            ("seed", 0, 2**32 - 1),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}, expected {low} to {high}")
        if self.window_seconds is not None and not 0.3 <= self.window_seconds <= 5:
            raise ValueError(f"window_seconds is {self.window_seconds}, expected 0.3 to 5")
        if self.validation_by not in ("auto", "subject", "session", "clip"):
            raise ValueError(
                f"validation_by is {self.validation_by}, expected auto, subject, session or clip"
            )
