"""Work is spread over processes that start no threads of their own."""

import logging
import os
import signal
import time
from pathlib import Path

import cv2
import pytest

from data_samples import write_video
from handflow.capture.decode import open_container
from handflow.errors import HandflowError
from handflow.processes import ended_in_order, in_processes, on_one_core


def square(number: int, offset: int) -> int:
    return number * number + offset


def variable(name: str) -> str | None:
    return os.environ.get(name)


def leave_a_mark(number: int, folder: Path) -> None:
    (folder / str(number)).touch()


def complain(number: int) -> int:
    logging.getLogger("handflow.test").warning("number %d", number)
    logging.getLogger("handflow.test").debug("not asked for")
    return number


def threads_of_a_decoder(video: str) -> tuple[bool, int, int]:
    """Whether this process is told to keep to one core, and the threads of OpenCV and of PyAV in it."""
    container, stream = open_container(video, video)
    with container:
        return on_one_core(), cv2.getNumThreads(), stream.codec_context.thread_count


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


@pytest.mark.parametrize("processes", [1, 2])
def test_each_process_keeps_to_one_core_and_this_one_only_meanwhile(tmp_path: Path, processes: int) -> None:
    video = str(tmp_path / "v.avi")
    write_video(Path(video))
    before = threads_of_a_decoder(video)
    found = in_processes(threads_of_a_decoder, [video] * 2, processes=processes)
    assert {threads for _, threads in found} == {(True, 1, 1)}
    assert threads_of_a_decoder(video) == before
    assert before[0] is False and before[2] != 1


@pytest.mark.parametrize("processes", [1, 2])
def test_what_processes_log_arrives_here(processes: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        list(in_processes(complain, range(3), processes=processes))
    assert sorted(r.getMessage() for r in caplog.records) == ["number 0", "number 1", "number 2"]


def test_a_consumer_that_stops_begins_no_further_item(tmp_path: Path) -> None:
    work = in_processes(leave_a_mark, range(50), tmp_path, processes=2)
    next(work)
    work.close()
    assert len(list(tmp_path.iterdir())) <= 4


def test_a_process_that_is_killed_is_one_clear_line() -> None:
    with pytest.raises(HandflowError, match="--jobs 1"):
        list(in_processes(leave, range(3), processes=2))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals for other processes")
@pytest.mark.usefixtures("hangup_counts")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP"])
def test_an_end_by_the_system_is_that_of_ctrl_c_inside_alone(number: str) -> None:
    chosen = getattr(signal, number)
    before = signal.getsignal(chosen)
    with pytest.raises(KeyboardInterrupt), ended_in_order():
        os.kill(os.getpid(), chosen)
        time.sleep(10)
    assert signal.getsignal(chosen) == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGHUP")
def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with ended_in_order():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
