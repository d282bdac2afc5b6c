"""The kinds of action by the name that a bindings file gives them."""

from typing import Any

from handflow.act.action import ActionKind
from handflow.act.actions.command import COMMAND
from handflow.act.actions.keys import KEYS
from handflow.act.actions.midi import MIDI
from handflow.act.actions.mode import MODE
from handflow.act.actions.mouse import MOUSE
from handflow.act.actions.mqtt import MQTT
from handflow.act.actions.osc import OSC
from handflow.act.actions.python import PYTHON
from handflow.act.actions.say import SAY
from handflow.act.actions.sound import SOUND
from handflow.act.actions.webhook import WEBHOOK

ACTIONS: dict[str, ActionKind[Any]] = {
    "keys": KEYS,
    "mouse": MOUSE,
    "command": COMMAND,
    "webhook": WEBHOOK,
    "mqtt": MQTT,
    "osc": OSC,
    "midi": MIDI,
    "say": SAY,
    "sound": SOUND,
    "python": PYTHON,
    "mode": MODE,
}
