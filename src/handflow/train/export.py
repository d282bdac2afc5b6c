"""Writes a trained network as ONNX and checks that it still says the same."""

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from handflow.errors import TrainingError
from handflow.recognize.recognizer import OnnxNetwork

PARITY = 1e-4
"""Largest difference of a probability between torch and ONNX Runtime that is let pass."""


def export_onnx(network: nn.Module, path: Path, examples: Tensor, *, name: str = "features") -> float:
    """Writes `network` (windows to probabilities) to `path`, for any number of windows at once.

    Args:
        network: the network.
        path: of the file.
        examples: (n, …) windows to check the file on; the first two serve to trace the network.
        name: of its input.

    Returns:
        the largest difference of a probability between torch and ONNX Runtime, over the examples.

    Raises:
        TrainingError: they differ by more than `PARITY`.
    """
    trace_onnx(network, path, examples, (name, "probabilities"), "windows")
    difference = parity(network, path, examples)
    if not difference <= PARITY:
        raise TrainingError(
            f"{path.name} differs from the trained network by {difference:.1e} (at most {PARITY:.0e}): "
            f"this version of torch cannot export it, install the versions of constraints.txt"
        )
    return difference


def trace_onnx(network: nn.Module, path: Path, examples: Tensor, names: tuple[str, str], batch: str) -> None:
    """Writes `network` to `path` by tracing it, for any number of inputs at once.

    Args:
        network: what is written; it is left in evaluation mode.
        path: of the file.
        examples: (n, …) inputs; the first two serve to trace.
        names: of input and output.
        batch: what the first axis of both counts.
    """
    network.eval()
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # The exporter by tracing: these networks have no branches, and it takes a tenth of the time that
            # the one by torch.export needs.
            torch.onnx.export(
                network,
                (examples[:2],),
                str(path),
                dynamo=False,
                opset_version=17,
                input_names=[names[0]],
                output_names=[names[1]],
                dynamic_axes={name: {0: batch} for name in names},
            )
    finally:
        logging.getLogger("torch.onnx").setLevel(level)


def parity(network: nn.Module, path: Path, examples: Tensor) -> float:
    """Largest difference of a probability between `network` and the ONNX file, over the examples."""
    with torch.no_grad():
        expected = network(examples).numpy()
    return float(np.abs(OnnxNetwork(path, examples.shape[1:])(examples.numpy()) - expected).max())
