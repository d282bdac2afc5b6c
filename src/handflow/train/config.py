"""How to train: one dataclass, every field checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ValidationBy = Literal["auto", "subject", "session", "clip"]


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How a model is trained."""

    model: str = "landmark"  # a name in train.MODELS
    seed: int = 0
    epochs: int = 36  # at most; early stopping usually ends before
    patience: int = 10  # epochs without a better validation loss before training stops
    batch: int = 64  # windows a step
    learning_rate: float = 3e-3
    weight_decay: float = 0.03
    label_smoothing: float = 0.05  # share of the truth that is spread over all labels
    validation_by: ValidationBy = "auto"  # auto: by subject, else session, else clip, as the data allows
    validation_share: float = 0.2  # of the subjects, sessions or clips
    window_seconds: float | None = None  # None: chosen from the clips
    hands_matter: bool = False  # whether left and right hand make different gestures
    flip_map: Mapping[str, str] = field(default_factory=dict)  # label of a mirrored clip; empty: no flips
    device: Literal["auto", "cpu", "gpu"] = "auto"

    def __post_init__(self) -> None:
        for name, low, high in (
            ("epochs", 1, 10_000),
            ("patience", 1, 10_000),
            ("batch", 4, 4096),
            ("learning_rate", 1e-6, 1),
            ("weight_decay", 0, 1),
            ("label_smoothing", 0, 0.5),
            ("validation_share", 0.05, 0.5),
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
