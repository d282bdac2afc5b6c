"""Names of keys: many spellings, one key; an unknown one is answered with what was meant."""

import re

import pytest

from handflow.act.inject.keynames import ALIASES, KEYS, chord, key_named

SPELLINGS = {
    "Right": "right",
    "PageUp": "page_up",
    "page-down": "page_down",
    "PgDn": "page_down",
    "ESC": "escape",
    "Return": "enter",
    "Control": "ctrl",
    "Cmd": "super",
    "Win": "super",
    "Option": "alt",
    "AltGr": "alt_gr",
    "f5": "f5",
    "F24": "f24",
    "Play Pause": "play_pause",
    "play": "play_pause",
    "VolumeUp": "volume_up",
    "volume_mute": "mute",
    "plus": "+",
    "Minus": "-",
    "-": "-",
    "S": "s",
    "7": "7",
    "ß": "ß",
    "Ä": "ä",
    "İ": "İ",
    "😀": "😀",
}


@pytest.mark.parametrize("written", SPELLINGS)
def test_a_key_has_many_spellings(written):
    assert key_named(written).name == SPELLINGS[written]


def test_every_alias_means_a_key():
    for alias, name in ALIASES.items():
        assert key_named(alias) == key_named(name)


UNKNOWN = {
    "lefft": r"no key is called 'lefft': did you mean left",
    "Ctlr": r"did you mean ctrl",
    "vol_up": r"did you mean .*volume_up",
    "esacpe": r"did you mean escape",
    "f25": r"did you mean .*f2",
    "qqqqqqqq": r"keys are called by what they type, f1 to f24, plus, minus, comma, enter, tab",
}


@pytest.mark.parametrize("written", UNKNOWN)
def test_an_unknown_key_is_answered_with_what_was_meant(written):
    with pytest.raises(ValueError, match=UNKNOWN[written]) as error:
        key_named(written)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ctrl+shift+s", ["ctrl", "shift", "s"]),
        (" Ctrl + Plus ", ["ctrl", "+"]),
        ("super", ["super"]),
        ("cmd+space", ["super", "space"]),
    ],
)
def test_a_chord_is_keys_in_order(text, names):
    assert [key.name for key in chord(text)] == names


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no chord"),
        ("+", "+ itself is called plus"),
        ("ctrl++", "+ itself is called plus"),
        ("ctrl+", "'ctrl+' is no chord"),
        ("ctrl+Control", "names ctrl twice"),
        ("ctrl+sfht", "did you mean shift"),
    ],
)
def test_what_is_no_chord_is_told(text, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        chord(text)


def test_every_key_has_a_name_in_x11_and_linux():
    ecodes = pytest.importorskip("evdev").ecodes.ecodes
    XK = pytest.importorskip("Xlib.XK")
    for group in ("xf86", "xkb"):
        XK.load_keysym_group(group)
    for key in KEYS.values():
        assert XK.string_to_keysym(key.keysym), key
        assert key.evdev in ecodes, key
