"""Names of keys, as a bindings file writes them, and what each way of pressing keys calls them.

Every single character is the name of the key that types it ("s", "7", "?"), but for "+", which joins keys to
a chord and is called "plus". Upper and lower case, spaces, hyphens and underscores make no difference.
"""

import difflib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One key."""

    name: str
    keysym: str = ""  # in X11: a name of Xlib.XK; none: what types `char`
    evdev: str = ""  # in Linux: a name of input-event-codes.h; none: what types `char` on a US keyboard
    pynput: str = ""  # on macOS and Windows: a name of pynput.keyboard.Key; none: what types `char`, if any
    char: str = ""  # what it types, of keys that are named by it


_TABLE = (
    Key("enter", "Return", "KEY_ENTER", "enter"),
    Key("tab", "Tab", "KEY_TAB", "tab"),
    Key("space", "space", "KEY_SPACE", "space"),
    Key("escape", "Escape", "KEY_ESC", "esc"),
    Key("backspace", "BackSpace", "KEY_BACKSPACE", "backspace"),
    Key("delete", "Delete", "KEY_DELETE", "delete"),
    Key("insert", "Insert", "KEY_INSERT", "insert"),
    Key("left", "Left", "KEY_LEFT", "left"),
    Key("right", "Right", "KEY_RIGHT", "right"),
    Key("up", "Up", "KEY_UP", "up"),
    Key("down", "Down", "KEY_DOWN", "down"),
    Key("home", "Home", "KEY_HOME", "home"),
    Key("end", "End", "KEY_END", "end"),
    Key("page_up", "Page_Up", "KEY_PAGEUP", "page_up"),
    Key("page_down", "Page_Down", "KEY_PAGEDOWN", "page_down"),
    Key("menu", "Menu", "KEY_COMPOSE", "menu"),
    Key("print_screen", "Print", "KEY_SYSRQ", "print_screen"),
    Key("pause", "Pause", "KEY_PAUSE", "pause"),
    Key("caps_lock", "Caps_Lock", "KEY_CAPSLOCK", "caps_lock"),
    Key("num_lock", "Num_Lock", "KEY_NUMLOCK", "num_lock"),
    Key("scroll_lock", "Scroll_Lock", "KEY_SCROLLLOCK", "scroll_lock"),
    *(Key(f"f{n}", f"F{n}", f"KEY_F{n}", f"f{n}") for n in range(1, 25)),
    Key("ctrl", "Control_L", "KEY_LEFTCTRL", "ctrl"),
    Key("shift", "Shift_L", "KEY_LEFTSHIFT", "shift"),
    Key("alt", "Alt_L", "KEY_LEFTALT", "alt"),
    Key("super", "Super_L", "KEY_LEFTMETA", "cmd"),
    Key("alt_gr", "ISO_Level3_Shift", "KEY_RIGHTALT", "alt_gr"),
    Key("ctrl_right", "Control_R", "KEY_RIGHTCTRL", "ctrl_r"),
    Key("shift_right", "Shift_R", "KEY_RIGHTSHIFT", "shift_r"),
    Key("super_right", "Super_R", "KEY_RIGHTMETA", "cmd_r"),
    Key("play_pause", "XF86_AudioPlay", "KEY_PLAYPAUSE", "media_play_pause"),
    Key("next", "XF86_AudioNext", "KEY_NEXTSONG", "media_next"),
    Key("previous", "XF86_AudioPrev", "KEY_PREVIOUSSONG", "media_previous"),
    Key("stop", "XF86_AudioStop", "KEY_STOPCD", "media_stop"),
    Key("volume_up", "XF86_AudioRaiseVolume", "KEY_VOLUMEUP", "media_volume_up"),
    Key("volume_down", "XF86_AudioLowerVolume", "KEY_VOLUMEDOWN", "media_volume_down"),
    Key("mute", "XF86_AudioMute", "KEY_MUTE", "media_volume_mute"),
    Key("brightness_up", "XF86_MonBrightnessUp", "KEY_BRIGHTNESSUP"),
    Key("brightness_down", "XF86_MonBrightnessDown", "KEY_BRIGHTNESSDOWN"),
    Key("browser_back", "XF86_Back", "KEY_BACK"),
    Key("browser_forward", "XF86_Forward", "KEY_FORWARD"),
    Key("browser_refresh", "XF86_Refresh", "KEY_REFRESH"),
    Key("browser_home", "XF86_HomePage", "KEY_HOMEPAGE"),
)

KEYS: dict[str, Key] = {key.name: key for key in _TABLE}

ALIASES: dict[str, str] = {
    "return": "enter",
    "esc": "escape",
    "del": "delete",
    "ins": "insert",
    "pgup": "page_up",
    "pgdn": "page_down",
    "pgdown": "page_down",
    "apps": "menu",
    "prtsc": "print_screen",
    "break": "pause",
    "control": "ctrl",
    "option": "alt",
    "cmd": "super",
    "command": "super",
    "win": "super",
    "windows": "super",
    "meta": "super",
    "play": "play_pause",
    "next_track": "next",
    "prev": "previous",
    "previous_track": "previous",
    "volume_mute": "mute",
    "plus": "+",
    "minus": "-",
    "equal": "=",
    "comma": ",",
    "period": ".",
    "slash": "/",
    "backslash": "\\",
    "semicolon": ";",
    "apostrophe": "'",
    "grave": "`",
}


def _plain(name: str) -> str:
    return name.strip().casefold().replace("_", "").replace("-", "").replace(" ", "")


_SPELLINGS: dict[str, str] = {_plain(name): name for name in (*KEYS, *ALIASES)}


def key_named(name: str) -> Key:
    """The key of that name.

    Raises:
        ValueError: no key is called so.

    Example:
        >>> key_named("Page Up").name, key_named("Cmd").name, key_named("plus").char, key_named("S").char
        ('page_up', 'super', '+', 's')
    """
    written = name.strip()
    if len(written) == 1 and written.isprintable():
        lower = written.lower()
        return Key(lower, char=lower) if len(lower) == 1 else Key(written, char=written)
    known = _SPELLINGS.get(_plain(name))
    if known is None:
        raise ValueError(f"no key is called {name!r}: {_remedy(name)}")
    known = ALIASES.get(known, known)
    return KEYS.get(known) or Key(known, char=known)


def _remedy(name: str) -> str:
    near = difflib.get_close_matches(_plain(name), _SPELLINGS, 3, 0.6)
    if near:
        return f"did you mean {' or '.join(_SPELLINGS[spelling] for spelling in near)}?"
    named = ", ".join(key for key in KEYS if not (key[0] == "f" and key[1:].isdigit()))
    return f"keys are called by what they type, f1 to f24, plus, minus, comma, {named}"


def chord(text: str) -> tuple[Key, ...]:
    """The keys of a chord in the order in which they go down.

    Raises:
        ValueError: a key is not known, empty or named twice.

    Example:
        >>> [key.name for key in chord("Ctrl + Shift + S")]
        ['ctrl', 'shift', 's']
    """
    names = text.split("+")
    if not all(name.strip() for name in names):
        raise ValueError(
            f'{text!r} is no chord: join names of keys by +, e.g. "ctrl+s"; + itself is called plus'
        )
    keys = tuple(key_named(name) for name in names)
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"{text!r} names {key.name} twice: a chord holds each key once")
    return keys
