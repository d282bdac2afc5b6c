"""The few-shot encoder: a small temporal convolution network, from a hand's features to a unit vector."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from handflow.recognize.few_shot.hand_features import CHANNELS
from handflow.recognize.windows import STEPS


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Sizes of an encoder."""

    width: int = 96  # channels inside, a multiple of 8
    embedding: int = 128  # numbers it gives

    def __post_init__(self) -> None:
        if self.width < 8 or self.width % 8:
            raise ValueError(f"width is {self.width}, expected a multiple of 8")
        if self.embedding < 2:
            raise ValueError(f"embedding is {self.embedding}, expected 2 or more numbers")


class _Block(nn.Module):
    """Adds what a dilated convolution sees."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.convolution = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        seen: Tensor = self.convolution(functional.gelu(self.norm(x), approximate="tanh"))
        return x + seen


class HandEncoder(nn.Module):
    """Features `(n, CHANNELS, STEPS)` to unit vectors `(n, embedding)`: near where a gesture is the same."""

    def __init__(self, config: EncoderConfig | None = None) -> None:
        super().__init__()
        config = config or EncoderConfig()
        width = config.width
        self.into = nn.Conv1d(CHANNELS, width, 3, padding=1)
        self.fine = nn.Sequential(_Block(width, 1), _Block(width, 2))
        self.middle = nn.Sequential(_Block(width, 1), _Block(width, 2))
        self.coarse = _Block(width, 1)
        self.norm = nn.GroupNorm(8, width)
        self.head = nn.Linear(width * (STEPS // 4) + width, config.embedding)

    def forward(self, features: Tensor) -> Tensor:
        x = self.fine(self.into(features))
        x = self.middle(functional.avg_pool1d(x, 2))
        x = self.coarse(functional.avg_pool1d(x, 2))
        x = functional.gelu(self.norm(x), approximate="tanh")
        # Where in time something happens matters, and also that it happens at all.
        joined = torch.cat([x.flatten(1), x.amax(dim=2)], dim=1)
        return functional.normalize(self.head(joined), dim=1)


class Experts(nn.Module):
    """All encoders side by side: `(n, CHANNELS, STEPS)` to `(n, experts · embedding)`."""

    def __init__(self, encoders: list[HandEncoder]) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(encoders)

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat([encoder(features) for encoder in self.encoders], dim=1)


def contrastive_loss(points: Tensor, gesture: Tensor, task: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss within tasks (Khosla et al., NeurIPS 2020).

    Args:
        points: (n, embedding) unit vectors.
        gesture: (n,) number of the gesture, different in different tasks.
        task: (n,) number of the task: only performances of one task are compared.
        temperature: of the similarities.
    """
    similarity = points @ points.T / temperature
    itself = torch.eye(len(points), dtype=torch.bool, device=points.device)
    similarity = similarity.masked_fill((task[:, None] != task[None]) | itself, -1e4)
    same = (gesture[:, None] == gesture[None]) & ~itself
    log_share = similarity - torch.logsumexp(similarity, 1, keepdim=True)
    return -((log_share * same).sum(1) / same.sum(1)).mean()
