"""Random torch arrays for the generator of gestures, on any device, from one seed."""

from typing import Any

import array_api_compat.torch
import torch
from torch import Tensor


class TorchDraws:
    """`synth.performances.Draws` of tensors."""

    def __init__(self, seed: int, device: str = "cpu") -> None:
        self.xp: Any = array_api_compat.torch
        self._device = torch.device(device)
        self._generator = torch.Generator(self._device).manual_seed(seed)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, float32."""
        return torch.randn(shape, generator=self._generator, device=self._device)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Uniform numbers, float32."""
        return torch.rand(shape, generator=self._generator, device=self._device) * (high - low) + low

    def array(self, values: Any) -> Tensor:
        """The array as a tensor on the device."""
        return torch.as_tensor(values, device=self._device)
