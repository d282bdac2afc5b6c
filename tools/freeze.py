"""Writes constraints.txt: the versions of all packages in this environment, handflow itself left out."""

import re
import sys
from importlib.metadata import distributions
from pathlib import Path

HEAD = """\
# The versions of the core and all extras that handflow was tested with: `pip install -c constraints.txt …`.
# Written by `make constraints`.
"""
LEFT_OUT = {"handflow", "pip"}


def pinned() -> list[str]:
    """One `name==version` for each installed package, without local suffixes such as +cpu."""
    found = {d.metadata["Name"]: re.sub(r"\+.*", "", d.version) for d in distributions()}
    return [f"{name}=={found[name]}" for name in sorted(found, key=str.lower) if name not in LEFT_OUT]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(HEAD + "\n".join(pinned()) + "\n", encoding="utf-8")
