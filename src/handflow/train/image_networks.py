"""The two networks of the article on pictures, LRCN and ConvLSTM, layer by layer as in Keras.

Both take pictures `(clips, frames, height, width, 3)`, floats of 0 to 1 or bytes, and give logits
`(clips, labels)`.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from handflow.train.conv_lstm import ConvLSTM2D, in_frames
from handflow.train.keras_layers import (
    LSTM,
    MOMENTUM,
    BatchNorm,
    Dropout,
    initialize_plain,
    initialize_recurrent,
)

GateActivation = Literal["sigmoid", "hard_sigmoid"]
SMALLEST = 48
"""Pixels: four halvings leave nothing of smaller pictures."""


@dataclass(frozen=True, slots=True)
class ImageNetworkConfig:
    """Shape of a network on pictures."""

    labels: int
    frames: int = 8
    height: int = 120  # pixels
    width: int = 160  # pixels
    dropout: float = 0.3
    norm_momentum: float = MOMENTUM  # of batch norm
    gate_activation: GateActivation = "sigmoid"  # of ConvLSTM: sigmoid as in Keras 3, hard_sigmoid as in 2

    def __post_init__(self) -> None:
        if self.labels < 2 or self.frames < 2 or not 0 <= self.dropout < 1:
            raise ValueError(f"unusable network: {self}")
        if min(self.height, self.width) < SMALLEST:
            raise ValueError(f"pictures of {self.width}x{self.height}, expected {SMALLEST} pixels at least")
        if self.gate_activation not in ("sigmoid", "hard_sigmoid"):
            raise ValueError(f"gate_activation is {self.gate_activation}, expected sigmoid or hard_sigmoid")


class LRCN(nn.Module):
    """Convolutions on every frame, then an LSTM over the frames (Donahue et al., CVPR 2015)."""

    FILTERS = (16, 32, 64, 64)
    UNITS = 32

    def __init__(self, config: ImageNetworkConfig) -> None:
        super().__init__()
        pairs = list(zip((3, *self.FILTERS), self.FILTERS, strict=False))
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairs)
        self.norms = nn.ModuleList(BatchNorm(c, config.norm_momentum) for c in self.FILTERS)
        self.dropout = Dropout(config.dropout)
        shrink = 2 ** len(self.FILTERS)
        size = (config.height // shrink) * (config.width // shrink) * self.FILTERS[-1]
        self.lstm = LSTM(size, self.UNITS)
        self.head = nn.Linear(self.UNITS, config.labels)
        initialize_plain(self)
        initialize_recurrent(self.lstm.input_weight, self.lstm.recurrent_weight, self.lstm.bias)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, pictures: Tensor) -> Tensor:
        clips, frames = pictures.shape[:2]
        pictures = _as_floats(pictures)
        x = pictures.flatten(0, 1).permute(0, 3, 1, 2)  # (clips · frames, 3, height, width), colours last
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = functional.relu(convolution(x))
            x = self.dropout(functional.max_pool2d(norm(x), 2))
        x = x.permute(0, 2, 3, 1).reshape(clips, frames, -1)
        logits: Tensor = self.head(self.lstm(x))
        return logits


class ConvLSTM(nn.Module):
    """Stacked convolutional LSTMs, then dense layers over all frames (Shi et al., NeurIPS 2015)."""

    FILTERS = (8, 8, 16, 20)
    DENSE = (64, 32)

    def __init__(self, config: ImageNetworkConfig) -> None:
        super().__init__()
        pairs = list(zip((3, *self.FILTERS), self.FILTERS, strict=False))
        self.layers = nn.ModuleList(
            ConvLSTM2D(a, b, config.dropout, hard=config.gate_activation == "hard_sigmoid") for a, b in pairs
        )
        self.norms = nn.ModuleList(BatchNorm(c, config.norm_momentum) for c in self.FILTERS)
        self.dropout = Dropout(config.dropout)
        height, width = config.height, config.width
        for _ in self.FILTERS:
            height, width = (height - 1) // 2, (width - 1) // 2  # two less, then half, rounded up
        size = config.frames * height * width * self.FILTERS[-1]
        self.dense = nn.ModuleList([nn.Linear(size, self.DENSE[0]), nn.Linear(*self.DENSE)])
        self.head = nn.Linear(self.DENSE[-1], config.labels)
        initialize_plain(self)
        for layer in self.layers:
            assert isinstance(layer, ConvLSTM2D)
            initialize_recurrent(layer.input_weight, layer.recurrent_weight, layer.bias)

    def forward(self, pictures: Tensor) -> Tensor:
        frames = pictures.shape[1]
        pictures = _as_floats(pictures)
        x = pictures.transpose(0, 1).contiguous().permute(0, 1, 4, 2, 3)  # frames first, colours last
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = norm(layer(x).flatten(0, 1))
            x = self.dropout(functional.max_pool2d(x, 2, ceil_mode=True))
            x = in_frames(x, frames)
        x = x.permute(1, 0, 3, 4, 2).flatten(1)  # (clips, frames · height · width · channels)
        for dense in self.dense:
            x = self.dropout(functional.relu(dense(x)))
        logits: Tensor = self.head(x)
        return logits


def _as_floats(pictures: Tensor) -> Tensor:
    return pictures if pictures.is_floating_point() else pictures.float() / 255
