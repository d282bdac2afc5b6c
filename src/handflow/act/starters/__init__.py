"""Commented bindings files to begin with, for `handflow bindings new`."""

from importlib.resources import files

STARTERS = {
    "slides": "turn slides by swipes",
    "media": "music and films by the keys of a media keyboard",
    "browser": "tabs and scrolling in a web browser",
    "home": "lights and blinds by MQTT, in two layers",
}


def starter(name: str) -> str:
    """The text of a starter file, by a name of STARTERS."""
    return files(__name__).joinpath(f"{name}.toml").read_text("utf-8")
