"""Idle motion: what hands do between gestures, and the ways to a gesture and back.

Clips of `background` and the gaps of streams are made by the same functions.
"""

from collections.abc import Callable

import numpy as np

from handflow.synth.movement import ATTITUDE, PLACE, POSE, STATE, Loop, Move, Planner, Stroke
from handflow.synth.person import VirtualPerson
from handflow.types import Float64

Idle = Callable[[Planner, VirtualPerson, np.random.Generator], None]


def relaxed(
    person: VirtualPerson, rng: np.random.Generator, place: tuple[float, float, float] | None = None
) -> Float64:
    """(13,) a hand that is up and at ease; place in metres, None: near where the person gestures."""
    state = np.zeros(STATE)
    state[POSE] = person.relaxed_pose + rng.normal(0, 1, 7) * np.array([0.06] * 5 + [0.15, 0.0])
    if rng.random() < 0.15:  # some wait with an open hand
        state[POSE] = person.open_pose + rng.normal(0, 1, 7) * np.array([0.05] * 5 + [0.1, 0.0])
    state[ATTITUDE] = np.array(person.attitude) + rng.normal([0.25, 0.3, 0.05], [0.22, 0.3, 0.15])
    if place is None:
        spot = rng.normal([person.centre[0] + 0.02 * person.side, person.centre[1] + 0.04], [0.04, 0.035])
        place = (float(spot[0]), float(spot[1]), float(rng.normal(0.02, 0.03)))
    state[PLACE] = place
    return state


def resting(person: VirtualPerson, rng: np.random.Generator) -> Float64:
    """(13,) a hand laid down: on the desk, low in the picture, or below it."""
    x, y = np.array(person.rest) + rng.normal(0, [0.02, 0.012])
    state = relaxed(person, rng, (float(x), float(y), float(rng.normal(0.02, 0.03))))
    state[ATTITUDE] = rng.normal([0.75, 0.4, 0.1], [0.3, 0.3, 0.2])
    return state


def away(person: VirtualPerson, rng: np.random.Generator) -> Float64:
    """(13,) a hand out of the picture, below it or at its own side."""
    width, height = person.field
    if rng.random() < 0.8:
        x, y = person.side * rng.uniform(0.0, 0.18), height + rng.uniform(0.05, 0.16)
    else:
        x, y = person.side * (width + rng.uniform(0.14, 0.2)), rng.uniform(0.02, 0.14)
    state = relaxed(person, rng, (float(x), float(y), float(rng.normal(0.03, 0.03))))
    state[ATTITUDE] = rng.normal([0.7, 0.4, 0.1], [0.35, 0.3, 0.2])
    return state


def _inside(person: VirtualPerson, place: Float64) -> Float64:
    """A place moved so that the hand above it is in the picture."""
    width, height = person.field
    hand = person.shape.length
    x = np.clip(place[0], -width + 0.4 * hand, width - 0.4 * hand)
    y = np.clip(place[1], -height + 0.8 * hand, height - 0.1 * hand)
    return np.array([x, y, np.clip(place[2], -0.15, 0.25)])


def travel(
    plan: Planner,
    person: VirtualPerson,
    rng: np.random.Generator,
    target: Float64,
    *,
    ease: float = 1.0,
    arc: float = 0.12,
    overlap: float = 0.0,
    late_fingers: bool = False,
) -> None:
    """Goes somewhere the way hands do that mean nothing by it: unhurried and in an arc.

    Args:
        ease: multiplies the usual duration.
        arc: sag of the way below the straight line, share of its length.
        overlap: seconds that the next movement may begin earlier.
        late_fingers: the fingers take the target's pose in the second half of the way.
    """
    way = target[PLACE] - plan.state[PLACE]
    length = float(np.linalg.norm(way))
    turned = float(np.abs(target[ATTITUDE] - plan.state[ATTITUDE]).max())
    # Unhurried movements of the arm reach some 0.3 to 0.6 m/s, strokes of the same length the double or more.
    seconds = person.tempo * ease * max(0.5 + 2.1 * length, 0.25 + 0.35 * turned) * rng.uniform(0.85, 1.35)
    bulge = np.zeros(STATE)
    across = np.array([-way[1], way[0]]) / max(length, 1e-6)
    bulge[PLACE][:2] = across * length * rng.normal(0, 0.1)
    bulge[PLACE][1] += arc * length * rng.uniform(0.5, 1.5)
    bulge[PLACE][2] = rng.normal(0, 0.08) * length
    bulge[ATTITUDE] = rng.normal([0.25 * length, 0, 0], 0.08)
    span = (
        (float(rng.uniform(0.25, 0.5)), float(rng.uniform(0.85, 1.0)))
        if late_fingers
        else (0.0, float(rng.uniform(0.45, 0.85)))
    )
    plan.move_to(
        target,
        seconds,
        bulge=bulge,
        overlap=overlap,
        pose_span=span,
        skew=float(rng.uniform(0.85, 1.05)),
    )


def prepare(plan: Planner, person: VirtualPerson, rng: np.random.Generator, first: Float64) -> None:
    """Goes to where a gesture starts, the fingers taking its pose on the way."""
    travel(
        plan,
        person,
        rng,
        first,
        ease=float(rng.uniform(0.9, 1.3)),
        arc=0.08,
        overlap=float(rng.uniform(0.0, 0.12)),
        late_fingers=True,
    )
    if rng.random() < 0.65:
        plan.wait(rng.exponential(0.14))


def retract(plan: Planner, person: VirtualPerson, rng: np.random.Generator, target: Float64) -> None:
    """Comes back from a gesture: slower than any stroke, sagging, the hand relaxing."""
    plan.wait(rng.choice([0.03, rng.uniform(0.08, 0.4)]))
    travel(plan, person, rng, target, ease=float(rng.uniform(1.2, 1.8)), arc=float(rng.uniform(0.1, 0.35)))


def stay(plan: Planner, person: VirtualPerson, rng: np.random.Generator) -> None:
    """Waits, now and then after settling somewhere else."""
    if rng.random() < 0.35:
        travel(plan, person, rng, relaxed(person, rng), ease=1.4)
    plan.wait(rng.uniform(0.6, 2.2))


def lay_down(plan: Planner, person: VirtualPerson, rng: np.random.Generator) -> None:
    """Lays the hand down, waits and often lifts it again."""
    travel(plan, person, rng, resting(person, rng), ease=1.2)
    plan.wait(rng.uniform(0.4, 1.8))
    if rng.random() < 0.6:
        travel(plan, person, rng, relaxed(person, rng))


def drift(plan: Planner, person: VirtualPerson, rng: np.random.Generator) -> None:
    """Slow small movements that flow into each other."""
    for _ in range(rng.integers(2, 4)):
        target = plan.state + rng.normal(0, 1, STATE) * np.array(
            [0.08] * 5 + [0.15, 0.0] + [0.18] * 3 + [0.05, 0.04, 0.04]
        )
        target[PLACE] = _inside(person, target[PLACE])
        plan.move_to(target, person.tempo * rng.uniform(0.9, 2.0), overlap=0.35)


def reach_out(plan: Planner, person: VirtualPerson, rng: np.random.Generator) -> None:
    """Reaches for a thing at the edge of the picture, takes or touches it, comes back."""
    width, height = person.field
    target = relaxed(person, rng)
    target[PLACE] = (
        rng.choice([-1, 1], p=[0.4, 0.6]) * person.side * rng.uniform(0.5, 1.05) * width,
        rng.uniform(0.1, 1.1) * height,
        rng.uniform(-0.12, 0.2),
    )
    target[ATTITUDE] += (rng.uniform(0.2, 0.9), rng.uniform(-0.3, 0.5), rng.normal(0, 0.3))
    target[POSE][:5] = rng.uniform(0.1, 0.45, 5)
    travel(plan, person, rng, target, ease=float(rng.uniform(0.75, 1.2)), arc=-0.1, late_fingers=True)
    grip = target.copy()
    grip[POSE][:5] = rng.uniform(0.4, 0.75, 5)
    plan.move_to(grip, rng.uniform(0.3, 0.6))
    plan.wait(rng.uniform(0.0, 0.6))
    travel(plan, person, rng, relaxed(person, rng), ease=1.2)


def scratch(plan: Planner, person: VirtualPerson, rng: np.random.Generator) -> None:
    """Touches the face and scratches it."""
    _, height = person.field
    target = relaxed(person, rng)
    target[PLACE] = (
        person.side * rng.uniform(-0.02, 0.09),
        rng.uniform(-0.25, 0.25) * height,
        rng.uniform(0.05, 0.16),
    )
    target[ATTITUDE] = rng.normal([-0.1, 2.3, -0.3], [0.25, 0.35, 0.25])  # the palm faces the person
    target[POSE][:5] = rng.uniform(0.3, 0.65, 5)
    travel(plan, person, rng, target, arc=-0.05)
    size = np.zeros(STATE)
    size[PLACE] = rng.normal(0, [0.006, 0.012, 0.004])
    size[POSE][1:5] = rng.uniform(0.05, 0.15)
    cycles = float(rng.integers(2, 6))
    _around(plan, Loop(np.zeros(STATE), size, cycles), cycles / rng.uniform(2.5, 4.5))
    travel(plan, person, rng, relaxed(person, rng), ease=1.2)


def fidget(plan: Planner, person: VirtualPerson, rng: np.random.Generator) -> None:
    """The fingers play while the hand stays."""
    cosine, sine = np.zeros(STATE), np.zeros(STATE)
    cosine[POSE][:5], sine[POSE][:5] = rng.normal(0, 0.13, (2, 5))
    cosine[ATTITUDE], sine[ATTITUDE] = rng.normal(0, 0.06, (2, 3))
    cosine[PLACE], sine[PLACE] = rng.normal(0, 0.005, (2, 3))
    cycles = rng.uniform(1.5, 4.0)
    _around(
        plan, Loop(cosine, sine, float(cycles), float(rng.uniform(0, 6.28))), cycles / rng.uniform(1.0, 2.6)
    )


def reposition(plan: Planner, person: VirtualPerson, rng: np.random.Generator) -> None:
    """Slowly moves to another place in the picture."""
    width, height = person.field
    target = relaxed(person, rng)
    target[PLACE] = _inside(
        person,
        np.array([rng.uniform(-0.8, 0.8) * width, rng.uniform(-0.4, 1.0) * height, rng.normal(0, 0.06)]),
    )
    travel(plan, person, rng, target, ease=float(rng.uniform(1.1, 1.9)))
    plan.wait(rng.uniform(0.0, 0.6))


def go_away(plan: Planner, person: VirtualPerson, rng: np.random.Generator) -> None:
    """Leaves the picture and comes back a little later."""
    travel(plan, person, rng, away(person, rng), ease=1.1)
    plan.wait(rng.uniform(0.2, 1.2))
    travel(plan, person, rng, relaxed(person, rng))
    plan.wait(rng.uniform(0.0, 0.5))


def talk(plan: Planner, person: VirtualPerson, rng: np.random.Generator) -> None:
    """Beats of a hand that goes with speech."""
    home = relaxed(person, rng)
    home[ATTITUDE][1] = rng.uniform(0.5, 1.5)  # the palm half turned in
    travel(plan, person, rng, home)
    lively = np.exp(rng.uniform(-0.5, 0.9))  # some hardly stir, some talk with the whole arm
    for _ in range(rng.integers(2, 8)):
        beat = home.copy()
        beat[PLACE] += lively * rng.normal([0, 0.01, 0], [0.045, 0.035, 0.04])
        beat[ATTITUDE] += rng.normal(0, [0.2, 0.35, 0.2])
        beat[POSE][:5] += rng.normal(0, 0.12) + rng.normal(0, 0.06, 5)
        beat[PLACE] = _inside(person, beat[PLACE])
        plan.move_to(beat, person.tempo * rng.uniform(0.24, 0.6), overlap=rng.uniform(0, 0.12), skew=0.9)
        plan.wait(rng.choice([0.0, rng.uniform(0.05, 0.3)]))


def type_on_keys(plan: Planner, person: VirtualPerson, rng: np.random.Generator) -> None:
    """Types low in the picture: the fingers hammer, the hand hops along the keys."""
    _, height = person.field
    home = relaxed(person, rng)
    home[PLACE] = (person.side * rng.uniform(0.0, 0.12), height * rng.uniform(0.75, 1.1), rng.uniform(0, 0.1))
    home[ATTITUDE] = rng.normal([1.0, 0.15, 0.1], [0.2, 0.25, 0.15])  # the palm faces the desk
    home[POSE][:5] = rng.uniform(0.3, 0.5, 5)
    travel(plan, person, rng, home, ease=1.2)
    for _ in range(rng.integers(2, 6)):
        size = np.zeros(STATE)
        size[POSE][:5] = rng.uniform(0.03, 0.12, 5) * rng.choice([-1.0, 1.0], 5)
        size[PLACE] = rng.normal(0, [0.002, 0.003, 0.002])
        cycles = float(rng.integers(2, 7))
        _around(plan, Loop(np.zeros(STATE), size, cycles), cycles / rng.uniform(3.0, 6.0))
        hop = plan.state.copy()
        hop[PLACE] = home[PLACE] + rng.normal(0, [0.03, 0.012, 0.012])
        plan.move_to(hop, rng.uniform(0.2, 0.5))
    if rng.random() < 0.6:
        travel(plan, person, rng, relaxed(person, rng), ease=1.2)


def drink(plan: Planner, person: VirtualPerson, rng: np.random.Generator) -> None:
    """Takes a cup from the desk, lifts it to the mouth, drinks and puts it down."""
    width, height = person.field
    cup = relaxed(person, rng)
    cup[PLACE] = (person.side * rng.uniform(0.2, 0.7) * width, height * rng.uniform(0.7, 1.1), 0.05)
    cup[ATTITUDE] = rng.normal([0.4, 1.3, 0.0], [0.2, 0.25, 0.2])  # the thumb side up, round a cup
    cup[POSE] = [0.35, 0.45, 0.5, 0.55, 0.6, -0.2, 0.0]
    travel(plan, person, rng, cup, ease=1.1, late_fingers=True)
    plan.wait(rng.uniform(0.1, 0.4))
    mouth = cup.copy()
    mouth[PLACE] = (person.side * rng.uniform(-0.02, 0.06), rng.uniform(-0.2, 0.3) * height, 0.12)
    mouth[ATTITUDE] += (rng.uniform(-0.5, -0.1), 0.0, rng.normal(0, 0.15))
    travel(plan, person, rng, mouth, ease=1.2)
    sip = mouth.copy()
    sip[ATTITUDE][2] += person.side * rng.uniform(0.2, 0.5)
    plan.move_to(sip, rng.uniform(0.4, 0.8))
    plan.wait(rng.uniform(0.3, 2.0))
    travel(plan, person, rng, cup, ease=1.3)
    if rng.random() < 0.8:
        travel(plan, person, rng, relaxed(person, rng), ease=1.2)


def pass_through(plan: Planner, person: VirtualPerson, rng: np.random.Generator) -> None:
    """Goes through the picture from one side to another and out of it, as somebody does who walks by."""
    width, height = person.field
    begin, end = away(person, rng), away(person, rng)
    side = rng.choice([-1.0, 1.0])
    begin[PLACE][:2] = (-side * (width + 0.15), height * rng.uniform(-0.2, 1.0))
    end[PLACE][:2] = (side * (width + 0.15), height * rng.uniform(-0.2, 1.0))
    travel(plan, person, rng, begin, ease=1.1)
    plan.wait(rng.uniform(0.2, 1.5))
    travel(plan, person, rng, end, ease=float(rng.uniform(0.7, 1.4)))
    plan.wait(rng.uniform(0.2, 1.5))
    travel(plan, person, rng, relaxed(person, rng))


def _around(plan: Planner, loop: Loop, seconds: float) -> None:
    move = Move(plan.time, float(seconds), np.zeros(STATE), loop=loop)
    plan.moves.append(move)
    plan.state = plan.state + move.after()
    plan.time = move.end


IDLES: dict[str, tuple[float, Idle]] = {
    # name: (how often, what the hand does)
    "stay": (0.2, stay),
    "lay_down": (0.1, lay_down),
    "drift": (0.14, drift),
    "reach_out": (0.1, reach_out),
    "scratch": (0.1, scratch),
    "fidget": (0.1, fidget),
    "reposition": (0.1, reposition),
    "go_away": (0.06, go_away),
    "talk": (0.1, talk),
    "type_on_keys": (0.08, type_on_keys),
    "drink": (0.06, drink),
    "pass_through": (0.04, pass_through),
}


def pass_time(plan: Planner, person: VirtualPerson, rng: np.random.Generator, seconds: float) -> list[str]:
    """Does one idle thing after another until at least that much time has passed; names them."""
    names, weights = list(IDLES), np.array([weight for weight, _ in IDLES.values()])
    end, done = plan.time + seconds, []
    while plan.time < end:
        name = str(rng.choice(names, p=weights / weights.sum()))
        IDLES[name][1](plan, person, rng)
        done.append(name)
    return done


def pastime(person: VirtualPerson, rng: np.random.Generator, seconds: float) -> Stroke:
    """Idle motion as a program: from an easy hand, at least that long."""
    first = relaxed(person, rng) if rng.random() < 0.75 else resting(person, rng)
    plan = Planner(first)
    pass_time(plan, person, rng, seconds)
    return Stroke(first, tuple(plan.moves), plan.time, 0.0, plan.time)
