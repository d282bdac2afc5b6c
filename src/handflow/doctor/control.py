"""Check of what presses keys and moves the mouse: which way is chosen here, and what it needs."""

import importlib.metadata
from collections.abc import Iterator
from typing import Any

from handflow.doctor.machine import Finding, Machine
from handflow.doctor.software import pip_install
from handflow.errors import ActionError


def check_control(machine: Machine) -> Iterator[Finding]:
    """The way to press keys, the permission for it, and whether its package loads."""
    try:
        from handflow.act.connections import KeyboardConnection
        from handflow.act.inject.choice import ADVICE, PACKAGES, PERMIT, Surroundings, choose
    except ImportError as error:
        yield Finding("control", "warn", f"cannot look for a keyboard: {error}", pip_install(machine))
        return
    here = Surroundings(machine.system, machine.environ, machine.uinput())
    facts: dict[str, Any] = {"by": None, "uinput": here.uinput}
    try:
        way = choose(KeyboardConnection(), here)
    except ActionError as error:
        why = str(error).removesuffix(f": {ADVICE}")
        yield Finding("control", "warn", why, f"work on the desktop, or: {PERMIT}", facts)
        return
    facts["by"] = way.by
    told = way.describe().replace(f": {ADVICE}", "")
    module, package = PACKAGES[way.by]
    try:
        machine.version(package)
    except importlib.metadata.PackageNotFoundError:
        yield Finding(
            "control", "ok", f"keys and mouse by {told}, once the extra 'control' is here", facts=facts
        )
        return
    try:
        machine.load(module)
        trusted = machine.system != "darwin" or machine.load("HIServices").AXIsProcessTrusted()
    except (ImportError, OSError) as error:
        remedy = pip_install(machine, "control")
        yield Finding(
            "control",
            "warn",
            f"keys and mouse by {told}, but {package} does not load: {error}",
            remedy,
            facts,
        )
        return
    if not trusted:
        from handflow.act.inject.system import ALLOW

        yield Finding("control", "warn", f"{told}: macOS does not let this program press keys", ALLOW, facts)
    elif way.limited:
        yield Finding("control", "warn", f"keys and mouse by {told}", PERMIT, facts)
    else:
        yield Finding("control", "ok", f"keys and mouse by {told}", facts=facts)
