"""Training steps of our image networks on given clips, measured as `bench/keras_peer.py` measures Keras.

python step_costs.py NETWORK ARRAYS.npz OUT.json [OPTION]

The arrays are x (clips, frames, height, width, 3) in float32, y (clips,), batch and epochs. An option changes
one thing of what we do, which tells what that thing brings.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from handflow.processes import cores, keep_freed_memory, peak_memory
from handflow.train import conv_lstm, keras_layers
from handflow.train.image_networks import LRCN, ConvLSTM, ImageNetworkConfig
from handflow.train.keras_layers import EPSILON, MOMENTUM, keep_mask
from handflow.train.keras_weights import keras_parameters

NETWORKS: dict[str, type[LRCN | ConvLSTM]] = {"lrcn": LRCN, "convlstm": ConvLSTM}
OPTIONS = ("", "no-keep", "plain", "compile", "bfloat16", "colours-first")
LABELS = 4


def main(network: str, arrays: str, out: str, option: str = "") -> None:
    """Trains for one epoch and then for the measured ones; writes the cost of a step as JSON."""
    if option not in OPTIONS:
        sys.exit(f"'{option}' is not known: choose {', '.join(OPTIONS[1:])}")
    if option != "no-keep":
        keep_freed_memory()
    torch.set_num_threads(int(os.environ.get("THREADS", cores())))
    torch.manual_seed(0)
    with np.load(arrays, allow_pickle=False) as archive:
        x, y = torch.from_numpy(archive["x"]), torch.from_numpy(archive["y"].astype(np.int64))
        batch, epochs = int(archive["batch"]), int(archive["epochs"])
    _, frames, height, width, _ = x.shape
    made = NETWORKS[network](ImageNetworkConfig(LABELS, frames, height, width))
    parameters = keras_parameters(made)
    if option == "plain":
        _define_plainly(made)
    elif option == "colours-first":
        _put_colours_first(made)
        x = x.permute(0, 1, 4, 2, 3).contiguous().permute(0, 1, 3, 4, 2)
    elif option == "bfloat16":
        _cast_written_out_functions()
    elif option == "compile":
        made.compile()
    optimizer = torch.optim.Adam(made.parameters(), lr=1e-3, eps=1e-7, fused=True)
    seconds, loss = [], 0.0
    for _ in range(epochs + 1):
        start = time.perf_counter()
        loss = _epoch(made, optimizer, x, y, batch, in_bfloat16=option == "bfloat16")
        seconds.append(time.perf_counter() - start)
    document = {
        "step_ms": 1000 * float(np.median(seconds[1:])) / -(-len(x) // batch),
        "peak_mb": peak_memory(),
        "parameters": parameters,
        "loss": loss,
    }
    Path(out).write_text(json.dumps(document), encoding="utf-8")


def _epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    x: Tensor,
    y: Tensor,
    batch: int,
    *,
    in_bfloat16: bool,
) -> float:
    """One epoch in an order by chance, as Keras' `fit` does it; returns the mean loss of its steps."""
    losses = []
    for chosen in torch.split(torch.randperm(len(x)), batch):
        with torch.autocast("cpu", torch.bfloat16, enabled=in_bfloat16):
            loss = functional.cross_entropy(network(x[chosen]), y[chosen])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.detach())
    return float(torch.stack(losses).mean())


def _define_plainly(network: LRCN | ConvLSTM) -> None:
    """Has ConvLSTM train by its definition, whose gradients torch finds; without recurrent dropout."""
    for layer in network.modules():
        if isinstance(layer, conv_lstm.ConvLSTM2D):
            layer.forward = layer._plain  # type: ignore[method-assign]


def _put_colours_first(network: LRCN | ConvLSTM) -> None:
    """Has every array in torch's usual order; our batch norm works by rows, so torch's stands in for it."""
    network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    for k, norm in enumerate(network.norms):
        assert isinstance(norm, keras_layers.BatchNorm)
        network.norms[k] = nn.BatchNorm2d(len(norm.weight), EPSILON, 1 - MOMENTUM)
    dropout = network.dropout
    dropout.forward = lambda x: x * keep_mask(tuple(x.shape), dropout.rate, x)  # type: ignore[method-assign]


def _cast_written_out_functions() -> None:
    """Autocast does not reach into a backward that is written out: inputs are cast; norms in float32."""
    for function, dtype in ((conv_lstm._Steps, torch.bfloat16), (keras_layers._Normalize, torch.float32)):
        forward = torch.amp.custom_fwd(function.forward, device_type="cpu", cast_inputs=dtype)
        backward = torch.amp.custom_bwd(function.backward, device_type="cpu")
        setattr(function, "forward", staticmethod(forward))  # noqa: B010 - mypy lets no method be assigned
        setattr(function, "backward", staticmethod(backward))  # noqa: B010


if __name__ == "__main__":
    main(*sys.argv[1:])
