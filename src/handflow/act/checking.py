"""What of a bindings file cannot work: on this machine, or with a model."""

from collections.abc import Collection, Iterator

from handflow.act.actions.mode import ModeSettings
from handflow.act.bindings import Bindings
from handflow.errors import MissingExtraError
from handflow.types import BACKGROUND


def machine_problems(bindings: Bindings) -> Iterator[str]:
    """What enabled bindings need and this machine lacks now, a line each with the remedy.

    Looks, and performs nothing.
    """
    said = set()
    for number, binding in enumerate(bindings.bindings, start=1):
        for action in binding.do if binding.enabled else ():
            try:
                problems = list(action.of.problems(action.settings, bindings))
            except MissingExtraError as error:
                problems = [str(error)]
            for problem in problems:
                if problem not in said:
                    said.add(problem)
                    yield f"binding {number} ({binding.gesture}): {problem}"


def model_problems(bindings: Bindings, labels: Collection[str], held: Collection[str]) -> Iterator[str]:
    """Where enabled bindings ask for what a model cannot see.

    Args:
        bindings: what is bound.
        labels: of the model.
        held: those of its gestures that are poses held still; empty where it does not say.
    """
    gestures = [label for label in labels if label != BACKGROUND]
    for number, binding in enumerate(bindings.bindings, start=1):
        if not binding.enabled:
            continue
        if binding.gesture not in gestures:
            known = ", ".join(gestures)
            yield f"binding {number}: the model was not taught {binding.gesture!r}, only {known}"
        elif binding.repeat is not None and held and binding.gesture not in held:
            yield (
                f"binding {number} ({binding.gesture}): repeat is for poses that are held still, and the "
                f"model was taught a movement"
            )


def mode_problems(bindings: Bindings) -> Iterator[str]:
    """Where a binding is never active, because nothing leads to its mode."""
    entered = {bindings.start_mode} | {
        action.settings.to
        for binding in bindings.bindings
        for action in (binding.do if binding.enabled else ())
        if isinstance(action.settings, ModeSettings)
    }
    for number, binding in enumerate(bindings.bindings, start=1):
        if binding.enabled and binding.modes and not entered.intersection(binding.modes):
            yield (
                f"binding {number} ({binding.gesture}): it begins in {bindings.start_mode} and no `mode` "
                f"action leads to {' or '.join(binding.modes)}"
            )


def unbound(bindings: Bindings, labels: Collection[str]) -> list[str]:
    """Gestures of a model that nothing is bound to."""
    bound = {binding.gesture for binding in bindings.bindings}
    return [label for label in labels if label != BACKGROUND and label not in bound]
