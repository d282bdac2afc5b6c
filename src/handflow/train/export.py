"""Writes a trained network as ONNX and checks that it still says the same."""

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from handflow.errors import TrainingError
from handflow.recognize.features import CHANNELS, LIMIT
from handflow.recognize.recognizer import OnnxNetwork
from handflow.recognize.windows import STEPS

PARITY = 1e-4
"""Largest difference of a probability between torch and ONNX Runtime that is let pass."""


def export_onnx(network: nn.Module, path: Path) -> float:
    """Writes `network` (features to probabilities) to `path`, for any number of windows at once.

    Returns:
        the largest difference of a probability between torch and ONNX Runtime, over random windows.

    Raises:
        TrainingError: they differ by more than `PARITY`.
    """
    network.eval()
    example = torch.zeros(2, CHANNELS, STEPS)
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # The exporter by tracing: this network has no branches, and it takes a tenth of the time that
            # the one by torch.export needs.
            torch.onnx.export(
                network,
                (example,),
                str(path),
                dynamo=False,
                opset_version=17,
                input_names=["features"],
                output_names=["probabilities"],
                dynamic_axes={"features": {0: "windows"}, "probabilities": {0: "windows"}},
            )
    finally:
        logging.getLogger("torch.onnx").setLevel(level)
    difference = parity(network, path)
    if not difference <= PARITY:
        raise TrainingError(
            f"{path.name} differs from the trained network by {difference:.1e} (at most {PARITY:.0e}): "
            f"this version of torch cannot export it, install the versions of constraints.txt"
        )
    return difference


def parity(network: nn.Module, path: Path) -> float:
    """Largest difference of a probability between `network` and the ONNX file, over random windows."""
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1.5, (17, CHANNELS, STEPS)).clip(-LIMIT, LIMIT).astype(np.float32)
    features[0] = 0  # no hand at all
    with torch.no_grad():
        expected = network(torch.from_numpy(features)).numpy()
    return float(np.abs(OnnxNetwork(path)(features) - expected).max())
