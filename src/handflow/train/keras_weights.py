"""Weights of the article's networks as Keras stores them, into ours."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from handflow.train.image_networks import LRCN, ConvLSTM
from handflow.train.keras_layers import BatchNorm
from handflow.types import Float32


def load_keras_weights(network: LRCN | ConvLSTM, weights: Sequence[Float32]) -> None:
    """Loads what `get_weights()` of the article's Keras model gives, in its order.

    Raises:
        ValueError: there are more or fewer arrays, or one has another shape.
    """
    targets = keras_order(network)
    if len(targets) != len(weights):
        raise ValueError(f"{len(weights)} arrays, expected {len(targets)}")
    with torch.no_grad():
        for target, given in zip(targets, weights, strict=True):
            array = torch.from_numpy(np.asarray(given, np.float32))
            if array.ndim == 4:
                array = array.permute(3, 2, 0, 1)  # (height, width, in, out) to (out, in, height, width)
            elif array.ndim == 2:
                array = array.T
            if array.shape != target.shape:
                raise ValueError(f"an array of {tuple(given.shape)} where {tuple(target.shape)} goes")
            target.copy_(array)


def keras_order(network: LRCN | ConvLSTM) -> list[Tensor]:
    """The tensors of a network in the order of Keras."""
    found: list[Tensor] = []
    layers = network.convolutions if isinstance(network, LRCN) else network.layers
    for layer, norm in zip(layers, network.norms, strict=True):
        assert isinstance(norm, BatchNorm)
        found += [*layer.parameters(), norm.weight, norm.bias, norm.running_mean, norm.running_var]
    rest: list[nn.Module] = [network.lstm] if isinstance(network, LRCN) else list(network.dense)
    for module in (*rest, network.head):
        found += module.parameters()
    return found


def keras_parameters(network: LRCN | ConvLSTM) -> int:
    """Numbers that Keras counts: batch norm's means and variances among them."""
    return sum(t.numel() for t in keras_order(network))
