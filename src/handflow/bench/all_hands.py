"""All that `handflow bench hands` measures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handflow.bench.entering import EnteringRow, bench_entering
from handflow.bench.followers import followers
from handflow.bench.hands import Measured, bench_hands
from handflow.bench.photos import (
    AgreementRow,
    EmptyRow,
    MovingRow,
    bench_agreement,
    bench_empty,
    bench_moving,
    photo_paths,
    still_hands,
)
from handflow.errors import HandflowError


@dataclass(frozen=True, slots=True)
class HandsReport:
    """The hand landmarker on this machine; what needs photos or videos is empty without them."""

    costs: list[Measured]
    entering: list[EnteringRow]
    agreement: list[AgreementRow]
    empty: list[EmptyRow]
    moving: list[MovingRow]


def bench_all_hands(
    *,
    frames: int = 120,
    runs: int = 5,
    seed: int = 0,
    data: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> HandsReport:
    """Measures costs, how soon a second hand is found, and, where there is `data`, real photos and videos.

    Args:
        frames: of each case of the costs; a second hand enters a fifth as often.
        runs: of each program and case, in turns.
        seed: of the pictures.
        data: a folder with `photos` and `videos`.
        progress: told what runs.

    Raises:
        HandflowError: there are no photos below `data`, or a program ended in an error.
    """
    photos = [] if data is None else photo_paths(data)
    if data is not None and not photos:
        raise HandflowError(f"no photos below {data / 'photos'}: name a folder that holds some")
    costs = bench_hands(frames=frames, runs=runs, seed=seed, progress=progress)
    with followers() as programs:
        entering = bench_entering(programs, progress, max(4, frames // 5), seed)
        if data is None:
            return HandsReport(costs, entering, [], [], [])
        agreement = bench_agreement(data, programs, progress)
        empty = bench_empty(photos, programs, progress, seed)
        # The tracker's constants were chosen on the first half.
        moving = bench_moving(still_hands(photos, "second"), programs, progress)
    return HandsReport(costs, entering, agreement, empty, moving)
