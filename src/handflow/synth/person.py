"""Virtual persons: whose hand it is, how they move it, and the webcam that looks at them."""

from dataclasses import dataclass, replace

import numpy as np

from handflow.synth.scene import Camera, PersonLook
from handflow.synth.skeleton import HandShape
from handflow.types import LEFT, RIGHT, Float64, Side

# Skin from very light to very dark (RGB), points of the Monk scale's range that a person's tone lies between.
_SKIN = np.array(
    [
        [246, 221, 205],
        [238, 203, 178],
        [224, 180, 148],
        [203, 153, 118],
        [176, 124, 88],
        [141, 94, 64],
        [107, 70, 49],
        [78, 51, 38],
    ],
    float,
)
PICTURE = (320, 240)
"""The size of picture, pixels, that a person's camera is described in; other sizes scale it."""


@dataclass(frozen=True, slots=True, eq=False)
class VirtualPerson:
    """One person before one webcam.

    Places are metres in the person's frame: x right and y down in the unmirrored picture, z away from the
    camera, origin where the camera's axis meets the person's working depth. Angles are those of a right
    hand; a left hand mirrors them (see `handflow.synth.staging`).
    """

    name: str
    hand: Side  # the hand they gesture with
    shape: HandShape
    look: PersonLook
    camera: Camera  # for a picture of 320×240
    background_seed: int
    fps: float  # frames a second of their camera
    distance: float  # camera to the gesturing hand, metres
    view: tuple[float, float, float]  # pitch, yaw and roll of the camera, radians
    centre: tuple[float, float]  # of their gestures, metres
    tempo: float  # multiplies durations: 0.75 quick, 1.3 slow
    amplitude: float  # length of a wide movement of the hand, metres
    curvature: float  # height of a stroke's arc, share of its length
    variation: float  # how differently they repeat themselves: 1 usual
    tremor: float  # metres, at about 9 Hz
    drift: float  # metres, slower than 1 Hz
    open_pose: Float64  # (7,) how they hold an open hand
    relaxed_pose: Float64  # (7,) how their hand hangs
    points: bool  # draws circles with the index finger, not with the open hand
    stroke_curl: float  # how far the fingers curl while the hand swipes: 0 flat to 0.4
    attitude: tuple[float, float, float]  # pitch towards the camera, turn of the palm inwards, lean; radians
    flick: float  # radians that the wrist bends in a stroke
    lean: float  # radians that the hand leans per metre to the side (it hangs on the forearm)
    rest: tuple[float, float]  # where the hand rests, metres; usually below the picture

    @property
    def slot(self) -> int:
        """The slot of the gesturing hand."""
        return LEFT if self.hand == "left" else RIGHT

    @property
    def side(self) -> float:
        """+1 where the gesturing hand's own side is right in the unmirrored picture (left hand), else −1."""
        return 1.0 if self.hand == "left" else -1.0

    @property
    def field(self) -> tuple[float, float]:
        """Half width and half height of what the camera sees at the working depth, metres."""
        return (
            self.distance * PICTURE[0] / 2 / self.camera.focal,
            self.distance * PICTURE[1] / 2 / self.camera.focal,
        )

    def reach(self) -> tuple[float, float]:
        """The widest movement (across, along the height), metres: in the picture but for near hands."""
        width, height = self.field
        hand = self.shape.length
        across = min(self.amplitude, 2 * (width - abs(self.centre[0])) - 0.75 * hand)
        off = abs(self.centre[1] - 0.47 * hand)  # how far the palm is from mid-picture
        along = min(self.amplitude, 2 * (height - off) - 1.05 * hand)
        return max(across, 0.75 * hand), max(along, 0.75 * hand)

    def seen_by(self, width: int, height: int, exposure: float) -> Camera:
        """Their camera with another size of picture, the same view and an exposure in seconds."""
        return replace(
            self.camera,
            width=width,
            height=height,
            focal=self.camera.focal * max(width / PICTURE[0], height / PICTURE[1]),
            exposure=exposure,
        )


def random_person(seed: int, *, hand: Side | None = None, name: str | None = None) -> VirtualPerson:
    """Draws a person: body, habits, camera and room.

    Args:
        seed: the same seed gives the same person on every system.
        hand: the hand they gesture with; None draws it (three in four use the right).
        name: what clips give as their subject; None: named by the seed.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x50455253]))
    drawn: Side = "right" if rng.random() < 0.75 else "left"
    shape = HandShape(
        length=float(np.clip(rng.normal(0.184, 0.011), 0.158, 0.212)),
        fingers=float(np.clip(rng.normal(1, 0.045), 0.88, 1.12)),
        width=float(np.clip(rng.normal(1, 0.05), 0.87, 1.14)),
        thumb=float(np.clip(rng.normal(1, 0.05), 0.87, 1.13)),
    )
    tone = rng.uniform(0, len(_SKIN) - 1)
    skin = [float(np.interp(tone, np.arange(len(_SKIN)), _SKIN[:, c])) + rng.normal(0, 4) for c in range(3)]
    sleeve = rng.uniform(20, 235, 3) if rng.random() < 0.65 else None
    look = PersonLook(
        skin=(skin[0], skin[1], skin[2]),
        sleeve=None if sleeve is None else (float(sleeve[0]), float(sleeve[1]), float(sleeve[2])),
        sleeve_start=float(rng.uniform(0.12, 0.55)),
        thickness=float(np.clip(rng.normal(1, 0.07), 0.85, 1.18)),
    )
    focal = rng.uniform(255, 345)
    # The hand is 60 to 130 pixels long in a picture of 320×240.
    distance = float(np.clip(focal * shape.length / rng.uniform(62, 120), 0.4, 1.2))
    dark = rng.random()  # 0 a bright room, 1 a dark one: longer exposure, slower camera, more noise
    fps = float(rng.choice([15.0, 20.0, 24.0, 25.0, 30.0], p=_rates(dark)))
    light = np.array([rng.uniform(-0.9, 0.9), rng.uniform(-1.0, -0.2), rng.uniform(-1.0, -0.4)])
    camera = Camera(
        *PICTURE,
        focal=float(focal),
        exposure=float(np.interp(dark, [0, 0.5, 1], [0.003, 0.008, 0.024]) * rng.uniform(0.8, 1.2)),
        noise=float(1.0 + 4.0 * dark * rng.uniform(0.6, 1.2)),
        brightness=float(np.clip(rng.normal(1.08 - 0.3 * dark, 0.08), 0.65, 1.25)),
        light=tuple(float(v) for v in light / np.linalg.norm(light)),  # type: ignore[arg-type]
        warmth=float(np.clip(rng.normal(0, 0.4), -1, 1)),
    )
    half_height = distance * PICTURE[1] / 2 / focal
    side = 1.0 if (hand or drawn) == "left" else -1.0
    spread = rng.uniform(-0.5, 0.75)
    return VirtualPerson(
        name=name or f"person-{seed}",
        hand=hand or drawn,
        shape=shape,
        look=look,
        camera=camera,
        background_seed=int(rng.integers(2**31)),
        fps=fps,
        distance=distance,
        view=(float(rng.normal(0, 0.13)), float(rng.normal(0, 0.13)), float(rng.normal(0, 0.035))),
        centre=(
            float(side * rng.uniform(-0.02, 0.28) * distance * PICTURE[0] / 2 / focal),
            float(
                0.47 * shape.length + np.clip(rng.normal(0, 0.025), -0.05, 0.05)
            ),  # the wrist: the palm lies mid-picture
        ),
        tempo=float(np.clip(np.exp(rng.normal(0, 0.16)), 0.75, 1.3)),
        amplitude=float(np.clip(rng.normal(0.29, 0.05), 0.19, 0.42)),
        curvature=float(np.clip(rng.normal(0.06, 0.07), -0.1, 0.22)),
        variation=float(rng.uniform(0.6, 1.4)),
        tremor=float(rng.uniform(0.0002, 0.0009)),
        drift=float(rng.uniform(0.002, 0.007)),
        open_pose=np.array([*(rng.uniform(0.0, 0.12, 5) + rng.uniform(0, 0.1)), spread, 0.0]),
        relaxed_pose=np.array(
            [
                rng.uniform(0.1, 0.4),
                *(rng.uniform(0.22, 0.5) + rng.normal([0, 0.03, 0.06, 0.06], 0.04)),
                -0.3,
                0,
            ]
        ),
        points=bool(rng.random() < 0.5),
        stroke_curl=float(rng.choice([0.0, 1.0], p=[0.5, 0.5]) * rng.uniform(0.05, 0.4)),
        attitude=(
            float(rng.normal(0.12, 0.14)),
            float(rng.uniform(-0.1, 0.6)),
            float(rng.normal(0.05, 0.12)),
        ),
        flick=float(rng.uniform(0.0, 0.5)),
        lean=float(rng.uniform(0.4, 1.6)),
        rest=(
            float(side * rng.uniform(0.02, 0.16)),
            float(half_height + rng.uniform(0.06, 0.16) if rng.random() < 0.75 else half_height - 0.02),
        ),
    )


def varied_person(person: VirtualPerson, seed: int) -> VirtualPerson:
    """The person with habits of gesturing drawn far more widely: how the hand is held, curled and swung."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x57494445]))
    pitch, turn, lean = person.attitude
    return replace(
        person,
        attitude=(
            float(pitch + rng.normal(0, 0.25)),
            float(turn + rng.normal(0, 0.45)),
            float(lean + rng.normal(0, 0.2)),
        ),
        stroke_curl=float(rng.choice([0.0, 1.0], p=[0.35, 0.65]) * rng.uniform(0.05, 0.75)),
        curvature=1.5 * person.curvature,
        flick=float(rng.uniform(0.0, 0.7)),
        amplitude=float(np.clip(rng.normal(0.28, 0.07), 0.15, 0.45)),
        tempo=float(np.clip(np.exp(rng.normal(0, 0.22)), 0.65, 1.5)),
    )


def _rates(dark: float) -> Float64:
    """Shares of 15, 20, 24, 25 and 30 frames a second: webcams slow down in the dark."""
    bright, dim = np.array([0.06, 0.08, 0.1, 0.16, 0.6]), np.array([0.5, 0.2, 0.1, 0.1, 0.1])
    return np.asarray(bright + (dim - bright) * dark)
