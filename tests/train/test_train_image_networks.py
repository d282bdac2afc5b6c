"""LRCN and ConvLSTM compute what Keras computes, in training and out of it."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from handflow.bench import keras_peer
from handflow.bench.peers import peers_python
from handflow.train.conv_lstm import ConvLSTM2D
from handflow.train.image_networks import LRCN, ConvLSTM, ImageNetworkConfig
from handflow.train.keras_layers import BatchNorm, Dropout, initialize_recurrent, keep_mask
from handflow.train.keras_weights import keras_order, keras_parameters, load_keras_weights
from needs import need

GOLDEN = Path(__file__).with_name("keras_golden.json")
"""What Keras answers; `make golden` writes it anew."""
KEPT = json.loads(GOLDEN.read_text(encoding="utf-8"))["cases"]
CASES = keras_peer.CASES


def network_of(case: str) -> LRCN | ConvLSTM:
    kind, frames, height, width, gates = CASES[case]
    config = ImageNetworkConfig(keras_peer.LABELS, frames, height, width, dropout=0.0, gate_activation=gates)
    network = LRCN(config) if kind == "lrcn" else ConvLSTM(config)
    shapes = [
        tuple(t.permute(2, 3, 1, 0).shape) if t.ndim == 4 else tuple(t.shape[::-1])
        for t in keras_order(network)
    ]
    load_keras_weights(network, keras_peer.weights_like(shapes, 11))
    return network


def answers(network: torch.nn.Module, case: str) -> np.ndarray:
    with torch.no_grad():
        logits = network.eval()(torch.from_numpy(keras_peer.pictures(case, 4)))
    return logits.softmax(1).numpy()


@pytest.mark.parametrize("case", list(CASES))
def test_outputs_equal_those_of_keras(case: str) -> None:
    expected = KEPT[case]
    network = network_of(case)
    assert keras_parameters(network) == expected["parameters"]
    found = answers(network, case)
    assert np.ptp(found, axis=0).max() > 1e-3, "the four clips must not look alike"
    np.testing.assert_allclose(found, expected["outputs"], atol=1e-5)


@pytest.mark.parametrize("case", keras_peer.TRAINED)
def test_training_steps_equal_those_of_keras(case: str) -> None:
    network = network_of(case).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, eps=1e-7)
    pictures, truth = torch.from_numpy(keras_peer.pictures(case, 4)), torch.arange(4)
    for expected in KEPT[case]["losses"]:
        loss = functional.cross_entropy(network(pictures), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert loss.item() == pytest.approx(expected, abs=1e-3)
    np.testing.assert_allclose(answers(network, case), KEPT[case]["trained"], atol=2e-3)


@pytest.mark.parametrize(("kind", "parameters"), [(LRCN, 639_012), (ConvLSTM, 603_172)])
def test_networks_are_those_of_the_article(kind: type[LRCN | ConvLSTM], parameters: int) -> None:
    assert keras_parameters(kind(ImageNetworkConfig(labels=4))) == parameters


@pytest.mark.slow
def test_the_golden_file_is_what_keras_says(tmp_path: Path) -> None:
    python = peers_python()
    need(python, "there is no .venv-peers with Keras: run `make peers`", optional=True)
    assert python is not None
    out = tmp_path / "golden.json"
    subprocess.run([python, keras_peer.__file__, "check", out], check=True)
    found, kept = json.loads(out.read_text())["cases"], KEPT
    assert found.keys() == kept.keys()
    for case, values in found.items():
        np.testing.assert_allclose(values["outputs"], kept[case]["outputs"], atol=1e-5)


def layer(channels: int, filters: int, *, hard: bool, dropout: float = 0.0) -> ConvLSTM2D:
    made = ConvLSTM2D(channels, filters, dropout, hard=hard).double()
    for tensor in made.parameters():
        torch.nn.init.normal_(tensor, std=0.3)
    return made


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("width", [9, 10])  # two columns at a time, and one
def test_written_out_gradients_equal_those_of_the_definition(hard: bool, width: int) -> None:
    torch.manual_seed(0)
    made = layer(3, 4, hard=hard)
    x = torch.rand(3, 2, 3, 7, width, dtype=torch.float64, requires_grad=True)
    inputs = [x, *made.parameters()]
    weight = torch.rand(3, 2, 4, 5, width - 2, dtype=torch.float64)

    def gradients(output: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad((output * weight).sum(), inputs)

    fast, plain = made.train()(x), made._plain(x)
    torch.testing.assert_close(fast, plain)
    for a, b in zip(gradients(fast), gradients(plain), strict=True):
        torch.testing.assert_close(a, b)


def test_recurrent_dropout_draws_one_mask_a_clip_and_gate_for_all_frames() -> None:
    """Gradients with masks equal those of the definition with the same masks, written plainly."""
    torch.manual_seed(1)
    made = layer(2, 4, hard=False, dropout=0.4)
    x = torch.rand(4, 2, 2, 6, 8, dtype=torch.float64)
    torch.manual_seed(2)
    found = made.train()(x)
    torch.manual_seed(2)
    masks = keep_mask((4, 2, 4, 6, 4), 0.4, x).movedim(-1, 2)
    hidden = cell = torch.zeros(2, 4, 4, 6, dtype=torch.float64)
    wi, wr, b = (p.chunk(4) for p in (made.input_weight, made.recurrent_weight, made.bias))
    for t in range(4):
        i, f, g, o = (
            functional.conv2d(x[t], wi[k], b[k]) + functional.conv2d(hidden * masks[k], wr[k], padding=1)
            for k in range(4)
        )
        cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
        hidden = torch.sigmoid(o) * torch.tanh(cell)
        torch.testing.assert_close(found[t], hidden)
    expected = torch.autograd.grad(hidden.square().sum(), list(made.parameters()))
    for a, e in zip(
        torch.autograd.grad(found[3].square().sum(), list(made.parameters())), expected, strict=True
    ):
        torch.testing.assert_close(a, e)


def test_masks_drop_their_share_and_keep_the_mean() -> None:
    torch.manual_seed(0)
    mask = keep_mask((400, 501), 0.3, torch.zeros(1))
    assert sorted(mask.unique().tolist()) == pytest.approx([0, 1 / 0.7])
    assert (mask == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert mask.mean().item() == pytest.approx(1, abs=0.01)
    # neighbours are drawn independently
    kept = (mask > 0).float()
    assert (kept[:, 1:] * kept[:, :-1]).mean().item() == pytest.approx(0.49, abs=0.01)


def test_dropout_is_for_training_alone() -> None:
    x = torch.rand(2, 3, 4, 5)
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert (Dropout(0.5).train()(x) == 0).any()


def test_batch_norm_keeps_biased_variances_and_has_the_gradients_of_torch() -> None:
    torch.manual_seed(0)
    ours, theirs = BatchNorm(3).double(), torch.nn.BatchNorm2d(3, eps=1e-3).double()
    for norm in (ours, theirs):
        torch.nn.init.constant_(norm.weight, 1.3)
    x = (torch.rand(4, 3, 5, 6, dtype=torch.float64) * 3).requires_grad_()
    weight = torch.rand(4, 3, 5, 6, dtype=torch.float64)
    pairs = []
    for norm in (ours, theirs):
        y = norm.train()(x)
        pairs.append((y, *torch.autograd.grad((y * weight).sum(), [x, norm.weight, norm.bias])))
    for a, b in zip(*pairs, strict=True):
        torch.testing.assert_close(a, b)
    biased = x.var(dim=(0, 2, 3), correction=0)
    torch.testing.assert_close(ours.running_var, 0.99 + 0.01 * biased.detach())


def test_recurrent_kernels_start_orthogonal_and_remember() -> None:
    made = ConvLSTM2D(3, 8, 0.3)
    initialize_recurrent(made.input_weight, made.recurrent_weight, made.bias)
    kernel = made.recurrent_weight.detach().permute(2, 3, 1, 0).reshape(-1, 32)  # as Keras lays it out
    torch.testing.assert_close(kernel.T @ kernel, torch.eye(32), atol=1e-5, rtol=0)
    assert made.bias.detach().tolist() == [0.0] * 8 + [1.0] * 8 + [0.0] * 16


@pytest.mark.parametrize(
    "wrong", [{"labels": 1}, {"height": 20}, {"gate_activation": "relu"}, {"dropout": 1.0}]
)
def test_a_shape_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"unusable|small|expected"):
        ImageNetworkConfig(**({"labels": 4} | wrong))  # type: ignore[arg-type]
