"""The landmark network: a small residual convolution over the steps of a window."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from handflow.recognize.features import CHANNELS


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Shape of the landmark network."""

    labels: int
    width: int = 64  # channels inside
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if self.labels < 2 or self.width < 8 or not 0 <= self.dropout < 1:
            raise ValueError(f"unusable network: {self}")


class _Block(nn.Module):
    """Two convolutions of 3 steps beside a shortcut."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.first_norm = nn.BatchNorm1d(width)
        self.second = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.second_norm = nn.BatchNorm1d(width)

    def forward(self, x: Tensor) -> Tensor:
        inner = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(x + self.second_norm(self.second(inner)))


class LandmarkNetwork(nn.Module):
    """Windows of features to logits.

    Every step is squeezed to `width` channels; residual blocks look over ever longer times, from the
    second on at half the steps. The head sees the mean, the peak and the end of the window: live, what
    matters is whether the gesture is done by now.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.width
        self.squeeze = nn.Conv1d(CHANNELS, width, 1)
        self.early = nn.Conv1d(width, width, 5, stride=2, padding=2, bias=False)
        self.early_norm = nn.BatchNorm1d(width)
        self.blocks = nn.ModuleList([_Block(width, dilation) for dilation in (1, 2, 4)])
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(3 * width, config.labels)

    def forward(self, features: Tensor) -> Tensor:
        x = functional.relu(self.squeeze(features))  # (windows, width, STEPS)
        x = functional.relu(self.early_norm(self.early(x)))  # (windows, width, STEPS / 2)
        for block in self.blocks:
            x = block(x)
        seen = torch.cat([x.mean(dim=2), x.amax(dim=2), x[:, :, -3:].mean(dim=2)], dim=1)
        logits: Tensor = self.head(self.dropout(seen))  # (windows, labels)
        return logits


class VotingNetwork(nn.Module):
    """Several networks of the same windows: the mean of their log probabilities.

    What they were taught they agree on; a movement like none of it they call differently, so that few of
    those get a high score (Lakshminarayanan, Pritzel and Blundell, "Simple and Scalable Predictive
    Uncertainty Estimation using Deep Ensembles", NeurIPS 2017).
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, features: Tensor) -> Tensor:
        each = torch.stack([functional.log_softmax(member(features), dim=1) for member in self.members])
        return each.mean(dim=0)  # (windows, labels)


class CalibratedNetwork(nn.Module):
    """What is exported: probabilities of a network whose logits are divided by a fitted temperature."""

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("temperature", torch.tensor(float(temperature)))

    def forward(self, features: Tensor) -> Tensor:
        return torch.softmax(self.network(features) / self.temperature, dim=1)


class DoubtNetwork(nn.Module):
    """Adds background, which the network was not taught: what its best answer leaves open."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, windows: Tensor) -> Tensor:
        probabilities: Tensor = self.network(windows)
        best = probabilities.amax(dim=1, keepdim=True)
        return torch.cat([probabilities * best, 1 - best], dim=1)


def count_parameters(network: nn.Module) -> int:
    """How many numbers were learned."""
    return sum(p.numel() for p in network.parameters())
