"""Idle hands of virtual persons, as a tracker sees them: what people do between gestures, in any training."""

from collections.abc import Iterator

from handflow.recognize.windows import usable_hands
from handflow.synth.clips import random_numbers
from handflow.synth.noise import add_tracker_noise
from handflow.synth.person import random_person, varied_person
from handflow.synth.streams import make_stream
from handflow.train.compose import at_tempo
from handflow.types import HandSequence

_FIRST_PERSON = 7_000_000  # seeds from here on: nobody whom demo, benchmarks or tests measure
_SECONDS = 30.0  # that each person is watched
_RATES = (15.0, 20.0, 25.0, 30.0, 30.0, 30.0)  # frames a second of their cameras


def idle_hands(minutes: float, seed: int, *, varied: bool = True) -> list[HandSequence]:
    """Idle motion of as many persons as fill that many minutes, half a minute each; all show a hand.

    Args:
        minutes: of all together.
        seed: decides who they are and what they do.
        varied: whether their habits are drawn as widely as `varied_person` does.
    """
    return list(_persons(round(minutes * 60 / _SECONDS), seed, varied))


def _persons(count: int, seed: int, varied: bool) -> Iterator[HandSequence]:
    for number in range(count):
        own = _FIRST_PERSON + 10_000 * (seed % 1000) + number
        person = random_person(own)
        if varied:
            person = varied_person(person, own)
        stream = make_stream((), person, number, seconds=_SECONDS, fps=_RATES[number % len(_RATES)]).stream
        noisy = add_tracker_noise(
            stream.sequence, random_numbers(seed, number, 21), frame_size=stream.frame_size
        )
        if number % 2:  # half of them are quicker than most people
            noisy = at_tempo(noisy, float(random_numbers(seed, number, 22).uniform(0.6, 1.0)))
        if usable_hands(noisy.landmarks).any():
            yield noisy
