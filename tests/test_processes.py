"""Work is spread over processes that start no threads of their own."""

import os
from pathlib import Path

import pytest

from handflow.errors import HandflowError
from handflow.processes import in_processes


def square(number: int, offset: int) -> int:
    return number * number + offset


def variable(name: str) -> str | None:
    return os.environ.get(name)


def leave_a_mark(number: int, folder: Path) -> None:
    (folder / str(number)).touch()


def leave(number: int) -> int:
    os._exit(3)


@pytest.mark.parametrize("processes", [1, 3])
def test_every_item_comes_back_with_its_result(processes: int) -> None:
    found = dict(in_processes(square, range(7), 10, processes=processes))
    assert found == {n: n * n + 10 for n in range(7)}


def test_processes_compute_with_one_thread_and_the_parent_is_left_as_it_was() -> None:
    before = os.environ.get("OPENBLAS_NUM_THREADS")
    found = dict(in_processes(variable, ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"], processes=2))
    assert set(found.values()) == {"1"}
    assert os.environ.get("OPENBLAS_NUM_THREADS") == before


def test_a_consumer_that_stops_begins_no_further_item(tmp_path: Path) -> None:
    work = in_processes(leave_a_mark, range(50), tmp_path, processes=2)
    next(work)
    work.close()
    assert len(list(tmp_path.iterdir())) <= 4


def test_a_process_that_is_killed_is_one_clear_line() -> None:
    with pytest.raises(HandflowError, match="--jobs 1"):
        list(in_processes(leave, range(3), processes=2))
