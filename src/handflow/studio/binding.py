"""What gestures of a project do: read, changed so that comments stay, checked and tested."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import tomlkit
from tomlkit.exceptions import ConvertError

from handflow.act.actions import ACTIONS
from handflow.act.bindings import Bindings
from handflow.act.bindings_file import parse_bindings
from handflow.act.checking import machine_problems, mode_problems, model_problems
from handflow.act.outcome import Outcome
from handflow.act.trial import choices_for, perform
from handflow.atomic import write_bytes
from handflow.errors import BindingsError, HandflowError, MissingExtraError
from handflow.recognize import read_model_info
from handflow.studio.binding_text import (
    FIELDS,
    RUNNING,
    Written,
    actions_item,
    as_tables,
    default,
    editable,
    new_table,
    plain,
    running,
    written,
)
from handflow.studio.errors import StudioError, absent
from handflow.studio.workspace import Project
from handflow.types import GestureEvent

_HEADER = "# What gestures do. The page and an editor may both change it; comments stay.\n"


class ProjectBindings:
    """The bindings file of one project.

    Args:
        project: whose.
        allow_commands: whether the page may make, change and test actions that run programs.
    """

    def __init__(self, project: Project, *, allow_commands: bool) -> None:
        self._project, self._path, self._allowed = project, project.bindings, allow_commands

    def text(self) -> str:
        """The file as it is written; empty where there is none.

        Raises:
            BindingsError: it cannot be read.
        """
        try:
            return self._path.read_text("utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise BindingsError(f"{self._path.name} cannot be read: {error}") from error

    def document(self) -> dict[str, Any]:
        """All that the page shows of them."""
        text = self.text()
        try:
            bindings = self._parsed(text)
        except BindingsError as error:
            problems = str(error).splitlines()
        else:
            problems = [
                *mode_problems(bindings),
                *machine_problems(bindings),
                *self._model_problems(bindings),
            ]
        return {
            "bindings": [_shown(one) for one in written(text)],
            "text": text,
            "problems": problems,
            "kinds": self._kinds(),
        }

    def add(self, given: Mapping[str, Any]) -> None:
        """Adds a binding.

        Raises:
            BindingsError: it is wrong, or meets another one.
            StudioError: it runs a program, and that is not allowed.
        """
        self._edit(
            lambda document, each: each.append(new_table(document, given)),
            lambda each: each.append(plain(given)),
        )

    def change(self, number: int, given: Mapping[str, Any]) -> None:
        """Changes a binding, counted from 0.

        Raises:
            BindingsError, StudioError: as `add`, or there is no such binding.
        """

        def edit(document: tomlkit.TOMLDocument, each: Any) -> None:
            table, wanted = each[number], plain(given)
            for key in [key for key in table if key not in wanted]:
                del table[key]
            for key, value in wanted.items():
                if table.get(key) != value:  # what stays keeps its comments
                    table[key] = actions_item(value) if key == "do" else value

        self._require(number)
        self._edit(edit, lambda each: each.__setitem__(number, plain(given)))

    def remove(self, number: int) -> None:
        """Removes a binding, counted from 0.

        Raises:
            StudioError: there is no such binding.
        """

        def edit(document: tomlkit.TOMLDocument, each: Any) -> None:
            del each[number]

        self._require(number)
        self._edit(edit, lambda each: each.__delitem__(number))

    def replace(self, text: str) -> None:
        """Writes the whole file.

        Raises:
            BindingsError: it is wrong.
            StudioError: it has actions that run programs and were not there, and that is not allowed.
        """
        with self._project.lock:
            self._store(text)

    def test(self, gesture: str, hand: str, *, dry_run: bool) -> list[dict[str, Any]]:
        """Does what a gesture is bound to, or says what would be done; what became of each action.

        Raises:
            BindingsError: the file is wrong.
            StudioError: nothing is bound to it, or it runs programs and that is not allowed.
            MissingExtraError: packages are missing.
        """
        bindings = self._parsed(self.text())
        event = GestureEvent(gesture, 1.0, hand, -1, 0.0, 0.5, 0.5, 0)  # type: ignore[arg-type]
        choices = choices_for(bindings, event)
        if not choices:
            raise StudioError(
                "unbound", f"nothing is bound to {gesture}: bind it first", 404, gesture=gesture
            )
        due = [choice for choice in choices if choice.due]
        if not dry_run and not self._allowed and any(a.kind in RUNNING for c in due for a in c.binding.do):
            raise _not_allowed()
        outcomes = [
            Outcome.of(event, action, "refused", choice.refused)
            for choice in choices
            if not choice.due
            for action in choice.binding.do
        ]
        if dry_run:
            outcomes += [
                Outcome.of(event, action, "dry run") for choice in due for action in choice.binding.do
            ]
        elif due:
            trial = perform(bindings, due)
            outcomes += trial.outcomes
        return [outcome.document() for outcome in outcomes]

    def rename(self, old: str, new: str) -> None:
        """Has what is bound to a gesture bound to its new name; a file that is wrong stays as it is."""
        with self._project.lock:
            try:
                document, each = editable(self.text())
            except BindingsError:
                return
            mine = [table for table in each if table.get("gesture") == old]
            for table in mine:
                table["gesture"] = new
            if mine:
                write_bytes(self._path, tomlkit.dumps(document).encode())

    def _edit(
        self, edit: Callable[[tomlkit.TOMLDocument, Any], None], expected: Callable[[list[Written]], None]
    ) -> None:
        with self._project.lock:
            text = self.text() or _HEADER
            wanted = written(text)
            expected(wanted)
            document, each = editable(text)
            try:
                edit(document, each)
            except ConvertError as error:
                raise BindingsError("a setting is null: say what it is, or leave it out") from error
            changed = tomlkit.dumps(document)
            if written(changed) != wanted:
                raise StudioError(
                    "cannot-edit", "this file is written in a way that only an editor can change"
                )
            self._store(changed)

    def _store(self, text: str) -> None:
        if not text.endswith("\n") and text:
            text += "\n"
        self._parsed(text)
        if not self._allowed and running(written(text)) - running(written(self.text())):
            raise _not_allowed()
        write_bytes(self._path, text.encode())

    def _parsed(self, text: str) -> Bindings:
        return parse_bindings(text, self._path.name, self._path.absolute().parent)

    def _require(self, number: int) -> None:
        if not 0 <= number < len(written(self.text())):
            raise absent("binding", str(number + 1))

    def _kinds(self) -> dict[str, Any]:
        return {
            name: {
                "extra": kind.extra,
                "extra_missing": _misses_packages(name),
                "allowed": self._allowed or name not in RUNNING,
            }
            for name, kind in ACTIONS.items()
        }

    def _model_problems(self, bindings: Bindings) -> list[str]:
        model = self._project.model()
        if model is None:
            return []
        try:
            info = read_model_info(model)
        except HandflowError as error:
            return [str(error)]
        return list(model_problems(bindings, info.labels, info.held))


def _not_allowed() -> StudioError:
    return StudioError(
        "commands-not-allowed",
        "actions that run programs are made in the bindings file, or with `handflow studio --allow-commands`",
        403,
    )


def _shown(one: Written) -> dict[str, Any]:
    """A binding with its actions as tables, whichever way they are written, as plain JSON."""
    shown = {**{name: default(name) for name in FIELDS}, **one, "do": as_tables(one.get("do"))}
    return dict(json.loads(json.dumps(shown, default=str), parse_constant=str))  # TOML has nan and inf


@cache
def _misses_packages(kind: str) -> bool:
    if ACTIONS[kind].extra is None:
        return False
    try:
        ACTIONS[kind].perform_by(parse_bindings("")).close()
    except MissingExtraError:
        return True
    return False
