"""Writes pretrained encoders as the files that handflow ships: half-size ONNX and a card that says all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from handflow.atomic import staging_folder
from handflow.errors import TrainingError
from handflow.recognize.few_shot.hand_features import CHANNELS
from handflow.recognize.few_shot.packaged import CARD_FILE, ENCODERS_FILE, OnnxEncoders
from handflow.recognize.windows import STEPS
from handflow.train.encoder import Experts, HandEncoder
from handflow.train.export import trace_onnx

PARITY = 5e-3
"""Largest difference of a coordinate between torch and the file that halving the weights may make."""
_HALVED = 256  # numbers from which on a weight is stored in half precision


def write_encoders(encoders: list[HandEncoder], folder: Path, card: dict[str, Any]) -> Path:
    """Writes encoders.onnx and encoders.json into `folder`, neither where anything fails before.

    Raises:
        TrainingError: the file does not give what the encoders give.
    """
    folder.mkdir(parents=True, exist_ok=True)
    experts = Experts(encoders)
    with staging_folder(folder) as scratch:
        path = scratch / ENCODERS_FILE
        export_encoders(experts, path)
        card = card | {
            "parameters": sum(p.numel() for p in experts.parameters()),
            "bytes": path.stat().st_size,
        }
        (scratch / CARD_FILE).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
        for name in (ENCODERS_FILE, CARD_FILE):
            (scratch / name).replace(folder / name)
    return folder / ENCODERS_FILE


def export_encoders(experts: Experts, path: Path) -> None:
    """Writes the encoders to one ONNX file for any number of hands, its weights in half precision.

    Raises:
        TrainingError: the file does not give what the encoders give.
    """
    examples = torch.from_numpy(
        np.random.default_rng(0).normal(0, 0.6, (17, CHANNELS, STEPS)).astype(np.float32)
    )
    trace_onnx(experts, path, examples, ("features", "points"), "hands")
    onnx.save(_halved(onnx.load(str(path))), str(path))
    with torch.no_grad():
        expected = experts(examples).numpy()
    difference = float(np.abs(OnnxEncoders(path)(examples.numpy()) - expected).max())
    if not difference <= PARITY:
        raise TrainingError(
            f"{path.name} differs from the encoders by {difference:.1e} (at most {PARITY:.0e})"
        )


def _halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network with large weights in half precision, made whole again where they are used."""
    graph = model.graph
    casts = []
    for weight in list(graph.initializer):
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _HALVED:
            continue
        name = f"{weight.name}.half"
        casts.append(helper.make_node("Cast", [name], [weight.name], to=TensorProto.FLOAT))
        graph.initializer.remove(weight)
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), name))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    onnx.checker.check_model(model)
    return model
