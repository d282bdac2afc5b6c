"""What works on this machine and what is missing: each finding with its remedy.

Adding a check is one function and one entry in `CHECKS`. All that a check asks the machine goes through
`Machine`, so that tests can break each part of it.
"""

from collections.abc import Callable, Iterator

from handflow.doctor.control import check_control
from handflow.doctor.hardware import check_cameras, check_disk, check_encoder, check_models, check_window
from handflow.doctor.machine import Finding, Machine
from handflow.doctor.software import check_extras, check_gpu, check_packages, check_system

__all__ = ["CHECKS", "Finding", "Machine", "examine"]

CHECKS: dict[str, Callable[[Machine], Iterator[Finding]]] = {
    "system": check_system,
    "packages": check_packages,
    "extras": check_extras,
    "models": check_models,
    "cameras": check_cameras,
    "video": check_encoder,
    "window": check_window,
    "control": check_control,
    "gpu": check_gpu,
    "disk": check_disk,
}


def examine(machine: Machine | None = None, *, leave_out: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Runs the checks one after the other and gives each finding as it comes.

    Args:
        machine: what is asked; this one by default.
        leave_out: names of `CHECKS` to skip.
    """
    machine = machine or Machine()
    for name, check in CHECKS.items():
        if name not in leave_out:
            yield from check(machine)
