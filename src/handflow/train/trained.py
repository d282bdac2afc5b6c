"""What training hands over, whatever was trained."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from handflow.recognize.model_folder import Pictures
from handflow.recognize.pictures import InputKind
from handflow.recognize.spotter import Threshold
from handflow.train.fitting import Fitted


@dataclass(frozen=True, slots=True, eq=False)
class TrainedNetwork:
    """A fitted network with all that running it needs."""

    network: nn.Module  # windows to probabilities, on the CPU
    weights: nn.Module  # the part that was fitted
    parameters: int  # numbers in it
    examples: Tensor  # (n, …) windows to check the exported network on
    labels: tuple[str, ...]
    window_seconds: float
    thresholds: dict[str, Threshold]
    gesture_seconds: dict[str, float]
    background: Literal["learned", "derived", "doubt"]
    fitted: Fitted
    learned: tuple[int, ...]  # clips that it was fitted to
    tested: tuple[int, ...]  # clips to report on
    untouched: bool  # whether those had no part in training, not even in when it ended
    tested_by: str  # what is never on both sides: "subject", "session" or "clip"
    note: str  # what a reader of the result must know; empty: nothing
    held: tuple[str, ...] = ()  # gestures that are poses held still
    input_kind: Literal["landmarks"] | InputKind = "landmarks"
    pictures: Pictures | None = None
