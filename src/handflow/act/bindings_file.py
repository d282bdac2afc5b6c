"""Reads a bindings file: what is wrong with it is said with file, line and remedy."""

import difflib
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from handflow.act.bindings import Binding, Bindings
from handflow.errors import BindingsError

_LARGEST = 1_000_000  # bytes
_MOST_DOTS = 200  # in a line; the parts of a key cost memory by their square
_BINDING = re.compile(r"\s*\[\[\s*bindings\s*\]\]")
_TABLE = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_.\-]+)\s*\]\]?")


def read_bindings(path: Path) -> Bindings:
    """The bindings of a file.

    Raises:
        BindingsError: it is missing, no TOML, or says what cannot be; all that is wrong, a line each.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise BindingsError(f"{path} has more than {_LARGEST // 1000} kB: no bindings file is that long")
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        raise BindingsError(
            f"{path} is not there: `handflow bindings new slides --out {path}` writes one to begin with"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BindingsError(f"{path} cannot be read: {error}") from error
    return parse_bindings(text, str(path), path.absolute().parent)


def parse_bindings(text: str, name: str = "bindings", folder: Path | None = None) -> Bindings:
    """The bindings of a text; relative paths in it begin in the folder, where one is given.

    Raises:
        BindingsError: as `read_bindings`.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        if line.count(".") > _MOST_DOTS:
            raise BindingsError(f"{name}:{number}: has more than {_MOST_DOTS} dots: break this line")
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        where = f"{name}:{found[1]}" if found else name
        why = str(error).split(" (at ")[0]
        raise BindingsError(f"{where}: no TOML: {why}; texts stand in quotes, lists in [ ]") from error
    except RecursionError as error:
        raise BindingsError(f"{name}: no TOML: lists or tables in it are nested too deeply") from error
    try:
        return Bindings.model_validate(given, context={"folder": folder})
    except ValidationError as error:
        lines = text.splitlines()
        every = error.errors(include_url=False)
        # A list whose items are wrong counts as empty, too: nobody needs to know that.
        deeper = {details["loc"][:n] for details in every for n in range(len(details["loc"]))}
        told = (_told(d, given, lines, name) for d in every if d["loc"] not in deeper or not d["loc"])
        raise BindingsError("\n".join(dict.fromkeys(told))) from error


def _told(details: ErrorDetails, given: dict[str, Any], lines: Sequence[str], name: str) -> str:
    """One error as a line: file, line, what, why."""
    loc = details["loc"]
    message = details["msg"].removeprefix("Value error, ")
    key = str(loc[-1]) if loc else ""
    what = ".".join(str(part) for part in loc)
    if len(loc) > 1 and loc[0] == "bindings" and isinstance(loc[1], int):
        number = loc[1]
        entry = given["bindings"][number] if isinstance(given["bindings"], list) else None
        gesture = entry.get("gesture") if isinstance(entry, dict) else None
        what = f"binding {number + 1}{f' ({gesture})' if isinstance(gesture, str) else ''}"
        rest = [str(part + 1) if isinstance(part, int) else part for part in loc[2:]]
        what += f", {' '.join(rest)}" if rest else ""
    if details["type"] == "extra_forbidden":
        message = f"there is no such key{_nearest(key, loc)}"
    elif details["type"] == "too_short":
        message = f"{key} is empty"
    elif details["type"] == "missing":
        message = f"{key} is missing"
    elif details["type"] in ("model_type", "tuple_type") and loc[0] == "bindings":
        message = "bindings are tables: begin each with [[bindings]]"
    elif loc and not isinstance(details["input"], dict | list):
        message = f"{message.replace('Input should', 'it should')}, not {details['input']!r}"
    line = _line(loc, lines)
    if both := re.match(r"bindings \d+ and (\d+) ", message):
        line = _line(("bindings", int(both[1]) - 1), lines)
    return f"{name}{f':{line}' if line else ''}: {what + ': ' if what else ''}{message}"


def _nearest(key: str, loc: tuple[int | str, ...]) -> str:
    known = list(Binding.model_fields if loc[0] == "bindings" else Bindings.model_fields)
    if loc[0] != "bindings" and len(loc) > 1:
        field = Bindings.model_fields[str(loc[0])].annotation
        known = list(getattr(field, "model_fields", {}))
    near = difflib.get_close_matches(key, known, 1)
    return f": did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"


def _line(loc: tuple[int | str, ...], lines: Sequence[str]) -> int | None:
    """The line, from 1, that an error is about, as near as it can be told."""
    begin, end = 0, next((n for n, line in enumerate(lines) if _TABLE.match(line)), len(lines))
    keys = [part for part in loc if isinstance(part, str)]
    if loc and loc[0] == "bindings":
        starts = [n for n, line in enumerate(lines) if _BINDING.match(line)]
        if len(loc) < 2 or not isinstance(loc[1], int) or loc[1] >= len(starts):
            return starts[0] + 1 if starts else None
        begin, keys = starts[loc[1]], keys[1:]
        end = next((n for n in range(begin + 1, len(lines)) if _TABLE.match(lines[n])), len(lines))
    elif len(loc) > 1:
        begin = next((n for n, line in enumerate(lines) if _is_table(line, str(loc[0]))), 0)
        end = next((n for n in range(begin + 1, len(lines)) if _TABLE.match(lines[n])), len(lines))
        keys = keys[1:]
    place = begin
    for key in keys:  # each is looked for from where the last was found
        pattern = re.compile(rf"(^|[\s{{,]){re.escape(key)}\s*=")
        place = next((n for n in range(place, end) if pattern.search(lines[n])), place)
    if "do" in keys:  # the n-th action, where each has a line
        number = next((part for part in loc[2:] if isinstance(part, int)), 0)
        actions = [n for n in range(place, end) if "{" in lines[n]]
        place = actions[number] if number < len(actions) else place
    return place + 1 if loc and lines else None


def _is_table(line: str, name: str) -> bool:
    match = _TABLE.match(line)
    return match is not None and match[1] == name


class BindingsFile:
    """A bindings file that may change while it is used: `changed()` now and then.

    Args:
        path: the file.
        tell: told where the file is broken or gone; the last good bindings stay.

    Raises:
        BindingsError: as `read_bindings`.
    """

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        self.path = path
        self._tell = tell
        self._stamp = self._look()
        self.bindings = read_bindings(path)

    def changed(self) -> Bindings | None:
        """New bindings if the file has others than before; else None."""
        stamp = self._look()
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        if stamp is None:
            self._tell(f"{self.path} is gone: its last bindings stay")
            return None
        try:
            bindings = read_bindings(self.path)
        except BindingsError as error:
            self._tell(f"{error}\nthe last good bindings stay")
            return None
        if bindings == self.bindings:
            return None
        self.bindings = bindings
        return bindings

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
