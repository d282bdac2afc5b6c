"""Layers that compute what Keras does: batch norm, dropout, LSTM, initial values. Colours last in memory.

Source: Keras 3, `keras/src/layers`. What torch has is used where it agrees; batch norm does not (Keras
keeps the mean of *biased* variances), an LSTM of torch has two biases, and torch is slow at drawing masks.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional

EPSILON, MOMENTUM = 1e-3, 0.99
"""Of batch norm in Keras: what is added to the variance, what stays of the running figures at a step."""


class BatchNorm(nn.Module):
    """`BatchNormalization` of pictures `(n, channels, height, width)`: channels to mean 0, variance 1."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, momentum: float = MOMENTUM) -> None:
        super().__init__()
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return functional.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=EPSILON
            )
        y, mean, variance = _Normalize.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            self.running_mean.lerp_(mean, 1 - self.momentum)
            self.running_var.lerp_(variance, 1 - self.momentum)
        result: Tensor = y
        return result


class _Normalize(Function):
    """Batch norm in training, by rows of all columns and channels: torch's own takes five times as long on
    the CPU where there are few channels. Returns the result, mean and biased variance."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rows = _rows(x)
        width, count = x.shape[3], x.numel() // x.shape[1]
        mean = _total(rows, width) / count
        apart = rows - mean.repeat(width)
        variance = _total(apart * apart, width) / count
        inverse = (variance + EPSILON).rsqrt()
        y = torch.addcmul(bias.repeat(width), apart, (inverse * weight).repeat(width))
        ctx.save_for_backward(apart, inverse, weight)
        ctx.mark_non_differentiable(mean, variance)
        return _pictures(y, x.shape), mean, variance

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        apart, inverse, weight = ctx.saved_tensors
        grad = grads[0]
        rows = _rows(grad)
        width, count = grad.shape[3], grad.numel() // grad.shape[1]
        d_bias = _total(rows, width)
        d_weight = _total(rows * apart, width) * inverse
        scale = inverse * weight
        dx = torch.addcmul((-scale / count * d_bias).repeat(width), rows, scale.repeat(width))
        dx.addcmul_(apart, (-scale / count * d_weight * inverse).repeat(width))
        return _pictures(dx, grad.shape), d_weight, d_bias


def _rows(x: Tensor) -> Tensor:
    """(n, channels, height, width) as (n · height, width · channels)."""
    n, channels, height, width = x.shape
    return x.permute(0, 2, 3, 1).reshape(n * height, width * channels)


def _pictures(rows: Tensor, shape: torch.Size) -> Tensor:
    n, channels, height, width = shape
    return rows.view(n, height, width, channels).permute(0, 3, 1, 2)


def _total(rows: Tensor, width: int) -> Tensor:
    """Sum of each channel."""
    return rows.sum(0).view(width, -1).sum(0)


class Dropout(nn.Module):
    """Drops numbers of pictures `(n, channels, height, width)` or of vectors, each on its own."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.rate:
            return x
        if x.ndim == 4:
            n, channels, height, width = x.shape
            return x * keep_mask((n, height, width, channels), self.rate, x).movedim(-1, 1)
        return x * keep_mask(tuple(x.shape), self.rate, x)


def keep_mask(shape: tuple[int, ...], rate: float, like: Tensor) -> Tensor:
    """0 for a share `rate` of all numbers and 1 / (1 − rate) for the others; rate to 1/65536."""
    if like.is_cuda:
        return functional.dropout(like.new_ones(shape), rate)
    count = torch.Size(shape).numel()
    # Four draws of 16 bits from each random number: a quarter of the time of single draws.
    bits = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), 2**63 - 1)
    kept = bits.view(torch.int16)[:count] >= round(rate * 65536) - 32768
    return kept.to(like.dtype).mul_(1 / (1 - rate)).view(shape)


class LSTM(nn.Module):
    """LSTM with one bias on `(n, steps, size)`; returns the last hidden state `(n, units)`."""

    def __init__(self, size: int, units: int) -> None:
        super().__init__()
        self.units = units
        self.input_weight = nn.Parameter(torch.empty(4 * units, size))  # gates: input, forget, cell, output
        self.recurrent_weight = nn.Parameter(torch.empty(4 * units, units))
        self.bias = nn.Parameter(torch.empty(4 * units))

    def forward(self, x: Tensor) -> Tensor:
        given = functional.linear(x, self.input_weight, self.bias)  # all steps in one call
        hidden = cell = x.new_zeros(x.shape[0], self.units)
        for step in range(x.shape[1]):
            gates = given[:, step] + functional.linear(hidden, self.recurrent_weight)
            i, f, g, o = gates.chunk(4, dim=1)
            cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
            hidden = torch.sigmoid(o) * torch.tanh(cell)
        return hidden


def initialize_recurrent(input_weight: Tensor, recurrent_weight: Tensor, bias: Tensor) -> None:
    """Gates of a recurrent layer: Glorot-uniform input kernel, orthogonal recurrent kernel, forget bias 1.

    All weights are `(4 · units, …)`; convolutions have channels, height and width behind.
    """
    units = len(bias) // 4
    nn.init.xavier_uniform_(input_weight)
    with torch.no_grad():
        # Keras draws a kernel as (height, width, channels, gates), whose last axis against all others is
        # what is orthogonal.
        flat = nn.init.orthogonal_(torch.empty(recurrent_weight[0].numel(), len(bias)))
        turned = flat.view(*recurrent_weight.shape[2:], recurrent_weight.shape[1], len(bias))
        recurrent_weight.copy_(turned.movedim((-1, -2), (0, 1)))
        bias.zero_()
        bias[units : 2 * units] = 1


def initialize_plain(network: nn.Module) -> None:
    """Glorot-uniform kernels and biases of 0 in convolutions and dense layers."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            assert module.bias is not None
            nn.init.zeros_(module.bias)
