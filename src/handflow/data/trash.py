"""Nothing is deleted: clips move to `trash/`, and a journal says how to take each step back."""

import json
import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from handflow.atomic import write_bytes
from handflow.errors import DatasetError, NothingToUndoError

log = logging.getLogger(__name__)

TRASH = "trash"
JOURNAL = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class Step:
    """One change that can be taken back. Paths are relative to the dataset, with `/`."""

    action: Literal["delete", "relabel"]
    clip: str  # clip id
    before: str  # where the folder or file was
    after: str  # where it is now

    def describe_undo(self) -> str:
        """One line that says what taking the step back did."""
        verb = "brought back" if self.action == "delete" else "gave its old gesture back to"
        return f"{verb} '{self.clip}' ({self.before})"


class Trash:
    """The trash of one dataset.

    A step is written to the journal before it is done, so a crash between leaves a step that never
    happened, which `undo` passes over, and never a change that cannot be undone.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.journal = root / TRASH / JOURNAL

    def discard(self, path: Path, clip: str) -> None:
        """Moves a clip's folder, or a part of it, to the trash."""
        relative = path.relative_to(self.root)
        target = self.root / TRASH / Path(*relative.parts[1:])  # without the leading "clips"
        number = 2
        while target.exists():
            target = target.with_name(f"{relative.name}~{number}")
            number += 1
        self._move(Step("delete", clip, relative.as_posix(), target.relative_to(self.root).as_posix()))

    def move(self, path: Path, target: Path, clip: str) -> None:
        """Moves a clip's folder to another gesture."""
        before, after = (p.relative_to(self.root).as_posix() for p in (path, target))
        self._move(Step("relabel", clip, before, after))

    def undo(self) -> Step:
        """Takes the last step back.

        Raises:
            NothingToUndoError: there is none.
            DatasetError: something else lies in its place by now.
        """
        steps = self.steps()
        while steps:
            step = steps.pop()
            now, then = self.root / step.after, self.root / step.before
            if not now.exists():
                log.info("%s is no longer at %s: passed over", step.clip, step.after)
                continue
            if then.exists():
                raise DatasetError(f"cannot bring back '{step.clip}': {then} exists by now")
            then.parent.mkdir(parents=True, exist_ok=True)
            now.rename(then)
            self._write(steps)
            return step
        raise NothingToUndoError(f"{self.root}: there is nothing to undo")

    def steps(self) -> list[Step]:
        """All steps that can be taken back, the last one last."""
        if not self.journal.is_file():
            return []
        found = []
        for line in self.journal.read_text(encoding="utf-8").splitlines():
            try:
                step = Step(**json.loads(line))
            except (ValueError, TypeError):
                log.warning("%s: a damaged line is passed over", self.journal)
                continue
            inside = all(
                Path(p).parts and not Path(p).is_absolute() and ".." not in Path(p).parts
                for p in (step.before, step.after)
            )
            if inside:  # a journal is a file from outside too
                found.append(step)
        return found

    def renamed(self, old: str, new: str) -> None:
        """Has what came from a folder go back to its new name; both relative to the dataset, with `/`."""

        def moved(path: str) -> str:
            return new + path.removeprefix(old) if f"{path}/".startswith(f"{old}/") else path

        steps = self.steps()
        changed = [replace(step, before=moved(step.before), after=moved(step.after)) for step in steps]
        if changed != steps:
            self._write(changed)

    def _move(self, step: Step) -> None:
        target = self.root / step.after
        (self.root / TRASH).mkdir(exist_ok=True)
        self._write([*self.steps(), step])
        target.parent.mkdir(parents=True, exist_ok=True)
        (self.root / step.before).rename(target)

    def _write(self, steps: list[Step]) -> None:
        lines = "".join(json.dumps(asdict(s), ensure_ascii=False) + "\n" for s in steps)
        write_bytes(self.journal, lines.encode())
