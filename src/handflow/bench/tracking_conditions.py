"""Conditions of the tracking benchmark: in each one thing varies, all else is as in the base scene.

Base scene: one open hand, palm to the camera, 120 pixels long in a picture of 640×480, that moves slowly in
normal light and without blur. Lengths are in *hand sizes*: the longer side of the box around the landmarks of
the person's open hand, palm to the camera. A closed or turned hand is shown at the distance at which it would
have the setting's size were it open and facing the camera.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

WIDTH, HEIGHT, FPS = 640, 480, 30.0
SHARP = 0.0005  # seconds of exposure: the fastest hand moves by one pixel
HALF = 0.5 / FPS  # seconds: the shutter is open for half of the time between two frames
SLOW = 0.5  # hand sizes a second, the base scene's speed

POSES: dict[str, tuple[float, ...]] = {
    "open": (0.05, 0.05, 0.05, 0.05, 0.05, 0.25, 0.0),
    "spread": (0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    "pointing": (0.9, 0.0, 0.95, 0.95, 0.95, 0.0, 0.0),
    "pinch": (0.2, 0.3, 0.1, 0.1, 0.1, 0.1, 1.0),
    "fist": (1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0),
}
"""Curl of five fingers, spread, pinch: see `handflow.synth.skeleton`."""

Pair = Literal["apart", "near", "cross", "cover", "cover fast", "meet"]
Absent = Literal["room", "person", "forearm", "left", "one of two"]


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything that decides a scene but the person; the defaults are the base scene."""

    pose: str = "open"
    size: float = 120.0  # pixels, of the open hand
    speed: float = SLOW  # hand sizes a second
    exposure: float = SHARP  # seconds
    brightness: float = 1.0  # gain of the picture
    noise: float = 2.0  # standard deviation, grey levels
    warmth: float = 0.0  # -1 bluish to 1 yellowish
    turn: float = 0.0  # degrees about the forearm; 90: seen from the side, 180: the back of the hand
    pitch: float = 0.0  # degrees that the fingers lean towards the camera
    lean: float = 0.0  # degrees that the fingers lean away from the hand's own side
    beside: float = 0.0  # hand sizes that the hand is moved to its own side
    pair: Pair | None = None  # what two hands do
    absent: Absent | None = None  # why no hand is in sight
    hands: int = 1  # asked for
    seconds: float = 0.4
    crowd: int = 2  # times as many persons as for a fast hand: where little changes, they differ most

    @property
    def fast(self) -> bool:
        """Whether the hand goes to and fro, or round, through the picture."""
        return self.speed > SLOW


@dataclass(frozen=True, slots=True)
class Condition:
    """A row of the benchmark's tables."""

    group: str
    name: str
    setting: Setting = field(default_factory=Setting)


FAST = Setting(speed=8, seconds=1.2, crowd=1)
PAIR = Setting(hands=2, seconds=2.0, crowd=1)
SPEEDS = (0, 2, 4, 8, 12, 16)
SIZES = (40, 60, 90, 120, 200, 300)


def conditions() -> tuple[Condition, ...]:
    """All rows, in the tables' order."""
    rows = []
    for speed in SPEEDS:
        # Blur takes nothing from a hand at rest.
        for name, exposure in (("sharp", SHARP), ("blurred", HALF))[: 2 if speed else 1]:
            moving = replace(FAST, speed=speed, exposure=exposure) if speed else Setting(speed=0)
            rows.append(Condition("speed", f"{speed} sizes/s, {name}" if speed else "at rest", moving))
    rows += [Condition("pose", pose, Setting(pose=pose)) for pose in POSES]
    for name, turned in {
        "turned by 45°": Setting(turn=45),
        "turned by 80°: edge on": Setting(turn=80),
        "back of the hand": Setting(turn=180),
        "fingers 55° to the camera": Setting(pitch=55),
        "from the side, fingers level": Setting(lean=90, beside=1.2),
        "fist, turned by 80°": Setting(pose="fist", turn=80),
    }.items():
        rows.append(Condition("pose", name, turned))
    for size in SIZES:  # far hands may take a while to be found
        far = Setting(size=size, seconds=1.0 if size < 90 else 0.4)
        rows.append(Condition("distance", f"{size} px", far))
    for name, light in {
        "dark: gain 0.35, noise 8": Setting(brightness=0.35, noise=8),
        "dim: gain 0.6, noise 5": Setting(brightness=0.6, noise=5),
        "normal: gain 1, noise 2": Setting(),
        "bright: gain 1.3": Setting(brightness=1.3),
        "yellowish": Setting(warmth=1),
        "bluish": Setting(warmth=-1),
    }.items():
        rows.append(Condition("light", name, light))
    for exposure in (SHARP, 0.008, HALF, 0.025, 0.033):
        blur = replace(FAST, exposure=exposure)
        rows.append(Condition("blur", f"{1000 * exposure:.2g} ms at 8 sizes/s", blur))
    pairs: dict[Pair, str] = {
        "apart": "apart",
        "near": "come near, part",
        "cross": "cross, half covered",
        "cover": "cross, one hides the other",
        "cover fast": "the same, twice as fast",
        "meet": "one hides the other, both go back",
    }
    for pair, name in pairs.items():
        both = Setting(pair=pair, hands=2) if pair == "apart" else replace(PAIR, pair=pair)
        rows.append(Condition("two hands", name, both))
    for name, none in {
        "an empty room": Setting(absent="room", seconds=0.3, crowd=4),
        "a person, arms out of the picture": Setting(absent="person", seconds=0.3, crowd=4),
        "a forearm, the hand beyond the edge": Setting(absent="forearm", size=160),
        "a hand has just left": Setting(absent="left", seconds=1.5),
        "a second one beside the only hand": Setting(absent="one of two"),
    }.items():
        rows.append(Condition("false hands", name, replace(none, hands=2)))
    return tuple(rows)
