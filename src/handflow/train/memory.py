"""How many windows fit into memory at once: a batch that is too large is learned in parts."""

import logging
import os
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

log = logging.getLogger(__name__)

SHARE = 0.6
"""Of the free memory that a batch may take."""
OVERHEAD = 2.5
"""Memory of a step against what it keeps for the way back: gradients and what is in between."""


def window_bytes(network: nn.Module, window: Tensor) -> int:
    """What one window `(1, …)` keeps in memory for the way back, measured by a forward pass."""
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    training = network.training
    network.train()
    weights = {p.untyped_storage().data_ptr() for p in network.parameters()}
    state = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        answer = network(window)
    del answer
    network.load_state_dict(state)
    network.train(training)
    return sum(size for address, size in kept.items() if address not in weights)


def windows_at_once(batch: int, window: int, available: int) -> int:
    """The largest part of a batch, in equal parts, that fits.

    Args:
        batch: windows that make one step.
        window: bytes of one, as `window_bytes` counts them.
        available: bytes that are free.
    """
    fitting = max(1, int(available * SHARE / (OVERHEAD * max(window, 1))))
    parts = -(-batch // fitting)
    while batch % parts and parts < batch:
        parts += 1
    return batch // parts


def available_bytes(device: torch.device) -> int:
    """Free memory where the network computes; half of all of it where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return _windows_bytes()
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _windows_bytes() -> int:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "a", "b", "c", "d", "e")),
        )

    status = Status()
    status.length = ctypes.sizeof(Status)
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return int(status.free)
