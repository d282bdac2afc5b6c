"""ConvLSTM2D as Keras computes it: tanh, valid padding for the input, all frames returned.

In training, dropout on the hidden state draws one mask for each clip and gate, which holds for all frames.
The four gates then see different inputs and cannot share one convolution. What makes that fast on a CPU:

- forward and backward are written out: the input's convolutions of all frames are one call, so are the
  weights' gradients, and everything between is done in place, in arrays with colours last;
- two neighbouring columns are computed as one with twice the filters (`_Wide`): eight filters fill half of a
  vector unit, sixteen all of it.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional

from handflow.train.keras_layers import keep_mask

GATES = 4  # input, forget, cell, output


class ConvLSTM2D(nn.Module):
    """One layer: `(frames, clips, channels, height, width)` to the hidden states of all frames.

    Args:
        channels: of the input.
        filters: of the hidden state.
        dropout: share of the hidden state that each gate does not see.
        hard: gates by the hard sigmoid of Keras 2, 0.2 x + 0.5 cut to [0, 1]; else by the sigmoid.
    """

    def __init__(self, channels: int, filters: int, dropout: float, *, hard: bool = False) -> None:
        super().__init__()
        self.filters, self.dropout, self.hard = filters, dropout, hard
        self.input_weight = nn.Parameter(torch.empty(GATES * filters, channels, 3, 3))
        self.recurrent_weight = nn.Parameter(torch.empty(GATES * filters, filters, 3, 3))
        self.bias = nn.Parameter(torch.empty(GATES * filters))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return self._plain(x)
        clips, (height, width) = x.shape[1], x.shape[3:]
        mask = None
        if self.dropout:
            shape = (GATES, clips, height - 2, width - 2, self.filters)
            mask = keep_mask(shape, self.dropout, x).movedim(-1, 2)
        gates = (GATES, self.filters)
        result: Tensor = _Steps.apply(  # type: ignore[no-untyped-call]
            x,
            self.input_weight.view(*gates, *self.input_weight.shape[1:]),
            self.recurrent_weight.view(*gates, *self.recurrent_weight.shape[1:]),
            self.bias.view(*gates, *self.bias.shape[1:]),
            mask,
            self.hard,
        )
        return result

    def _plain(self, x: Tensor) -> Tensor:
        """The definition, without dropout: what is exported and what `_Steps` is tested against."""
        frames = x.shape[0]
        given = functional.conv2d(x.flatten(0, 1), self.input_weight, self.bias)
        given = in_frames(given, frames)
        hidden = cell = torch.zeros_like(given[0, :, : self.filters])
        states = []
        for frame in range(frames):
            gates = given[frame] + functional.conv2d(hidden, self.recurrent_weight, padding=1)
            i, f, g, o = gates.chunk(GATES, dim=1)
            cell = self._gate(f) * cell + self._gate(i) * torch.tanh(g)
            hidden = self._gate(o) * torch.tanh(cell)
            states.append(hidden)
        return torch.stack(states)

    def _gate(self, x: Tensor) -> Tensor:
        return (0.2 * x + 0.5).clamp(0, 1) if self.hard else torch.sigmoid(x)


class _Wide:
    """3×3 convolutions on pictures with colours last, two columns at a time where the width is even.

    The kernel `(filters, channels, 3, 3)` becomes one of `(2 · filters, channels, 3, 4)` that moves by two
    columns: its result has the columns' filters side by side, which in memory is the result of the plain one.
    """

    def __init__(self, weight: Tensor, width: int, padding: int) -> None:
        self.padding = padding
        self.columns = 2 if width % 2 == 0 else 1
        if self.columns == 2:
            weight = torch.cat([functional.pad(weight, (0, 1)), functional.pad(weight, (1, 0))])
        self.weight = weight.contiguous(memory_format=torch.channels_last)

    def __call__(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        bias = None if bias is None else bias.repeat(self.columns)
        y = functional.conv2d(x, self.weight, bias, (1, self.columns), self.padding)
        n, filters, height, width = y.shape
        rows = y.permute(0, 2, 3, 1).reshape(n, height, width * self.columns, filters // self.columns)
        return rows.permute(0, 3, 1, 2)

    def weight_gradient(self, grad: Tensor, x: Tensor) -> Tensor:
        """Gradient of the 3×3 kernel."""
        n, filters, height, width = grad.shape
        rows = grad.permute(0, 2, 3, 1).reshape(n, height, width // self.columns, filters * self.columns)
        stride, padding = [1, self.columns], [self.padding] * 2
        wide: Tensor = torch.ops.aten.convolution_backward(
            rows.permute(0, 3, 1, 2), x, self.weight, None,
            stride, padding, [1, 1], False, [0, 0], 1, [False, True, False],
        )[1]  # fmt: skip
        if self.columns == 1:
            return wide
        return wide[:filters, :, :, :3] + wide[filters:, :, :, 1:]


class _Steps(Function):
    """All frames of a layer in training. Shapes: T frames, B clips, C channels, F filters.

    x (T, B, C, H, W); weights (4, F, C, 3, 3) and (4, F, F, 3, 3); bias (4, F); mask (4, B, F, H − 2, W − 2).
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        input_weight: Tensor,
        recurrent_weight: Tensor,
        bias: Tensor,
        mask: Tensor | None,
        hard: bool,
    ) -> Tensor:
        frames, clips = x.shape[:2]
        width = x.shape[4] - 2
        given = [_Wide(w, width, 0) for w in input_weight]
        recurrent = [_Wide(w, width, 1) for w in recurrent_weight]
        flat = x.flatten(0, 1)
        # In place, what goes into the gates becomes the gates.
        gates = [in_frames(conv(flat, b), frames) for conv, b in zip(given, bias, strict=True)]
        size = (clips, recurrent_weight.shape[1], x.shape[3] - 2, width)
        seen = [_colours_last(x, frames - 1, *size) for _ in range(GATES if mask is not None else 0)]
        hidden, cell, squashed = (_colours_last(x, frames, *size) for _ in range(3))
        for t in range(frames):
            i, f, g, o = (gate[t] for gate in gates)
            if t:
                for k, gate in enumerate((i, f, g, o)):
                    before = hidden[t - 1]
                    if mask is not None:
                        before = torch.mul(before, mask[k], out=seen[k][t - 1])
                    gate.add_(recurrent[k](before))
            for gate in (i, f, o):
                if hard:
                    gate.mul_(0.2).add_(0.5).clamp_(0, 1)
                else:
                    gate.sigmoid_()
            _tanh(g, out=g)
            torch.mul(i, g, out=cell[t])
            if t:
                cell[t].addcmul_(f, cell[t - 1])
            torch.mul(o, _tanh(cell[t], out=squashed[t]), out=hidden[t])
        ctx.hard, ctx.masked = hard, mask is not None
        ctx.save_for_backward(x, input_weight, recurrent_weight, mask, hidden, cell, squashed, *gates, *seen)
        return hidden

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, input_weight, recurrent_weight, mask, hidden, cell, squashed, *rest = ctx.saved_tensors
        gates, seen = rest[:GATES], rest[GATES:]
        frames, width = len(x), cell.shape[4]
        # A convolution's gradient is the convolution with the kernel turned round.
        turned = [_Wide(w.transpose(0, 1).flip(2, 3), width, 1) for w in recurrent_weight]
        d_gates = [torch.empty_like(gate) for gate in gates]
        d_hidden: Tensor | None = None
        d_cell: Tensor | None = None
        for t in reversed(range(frames)):
            i, f, g, o = (gate[t] for gate in gates)
            d_i, d_f, d_g, d_o = (d[t] for d in d_gates)
            d_out = grads[0][t] if d_hidden is None else d_hidden.add_(grads[0][t])
            _gate_backward(torch.mul(d_out, squashed[t], out=d_o), o, ctx.hard)
            d_now = torch.ops.aten.tanh_backward(d_out * o, squashed[t])
            if d_cell is not None:
                d_now.add_(d_cell)
            _gate_backward(torch.mul(d_now, g, out=d_i), i, ctx.hard)
            torch.mul(d_now, i, out=d_g)
            torch.ops.aten.tanh_backward(d_g, g, grad_input=d_g)
            if not t:
                d_f.zero_()
                break
            _gate_backward(torch.mul(d_now, cell[t - 1], out=d_f), f, ctx.hard)
            d_cell = d_now.mul_(f)
            d_hidden = None
            for k, d in enumerate((d_i, d_f, d_g, d_o)):
                part = turned[k](d)
                if mask is not None:
                    part = part.mul_(mask[k]) if d_hidden is None else d_hidden.addcmul_(part, mask[k])
                elif d_hidden is not None:
                    part = d_hidden.add_(part)
                d_hidden = part
        flat = x.flatten(0, 1)
        d_x: Tensor | None = None
        d_input, d_recurrent, d_bias = [], [], []
        for k in range(GATES):
            d = d_gates[k].flatten(0, 1)
            before = (seen[k] if seen else hidden[:-1]).flatten(0, 1)
            d_input.append(_Wide(input_weight[k], width, 0).weight_gradient(d, flat))
            later = d_gates[k][1:].flatten(0, 1)
            d_recurrent.append(_Wide(recurrent_weight[k], width, 1).weight_gradient(later, before))
            rows = d.permute(0, 2, 3, 1).reshape(-1, width * d.shape[1])
            d_bias.append(rows.sum(0).view(width, -1).sum(0))
            if ctx.needs_input_grad[0]:
                part = torch.ops.aten.convolution_backward(
                    d, flat, input_weight[k], None,
                    [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [True, False, False],
                )[0]  # fmt: skip
                d_x = part if d_x is None else d_x.add_(part)
        d_pictures = None if d_x is None else in_frames(d_x, frames)
        return d_pictures, torch.stack(d_input), torch.stack(d_recurrent), torch.stack(d_bias), None, None


def in_frames(x: Tensor, frames: int) -> Tensor:
    """(frames · clips, …) as (frames, clips, …), memory as it is."""
    return x.view(frames, -1, *x.shape[1:])


def _colours_last(like: Tensor, *shape: int) -> Tensor:
    """Room for `(…, channels, height, width)` with the channels last in memory."""
    *lead, channels, height, width = shape
    return like.new_empty(*lead, height, width, channels).movedim(-1, -3)


def _tanh(x: Tensor, out: Tensor) -> Tensor:
    """tanh by the sigmoid, which torch computes four times as fast on the CPU."""
    return torch.mul(x, 2, out=out).sigmoid_().mul_(2).sub_(1)


def _gate_backward(grad: Tensor, gate: Tensor, hard: bool) -> None:
    """From the gradient of a gate to that of what went into it, in place."""
    if hard:
        grad.mul_(((gate > 0) & (gate < 1)).to(grad.dtype)).mul_(0.2)
    else:
        torch.ops.aten.sigmoid_backward(grad, gate, grad_input=grad)
