"""`handflow studio` as a program: its start link, its end, and that a kill costs nothing that was whole."""

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import pytest
from studio_client import LIMIT, Browser, eventually
from studio_hands import shown, teach_by_landmarks
from typer.testing import CliRunner

from handflow import extras
from handflow.cli import studio as command
from handflow.data import Dataset
from handflow.data.check import check_dataset
from handflow.errors import MissingExtraError
from handflow.hands import HandModels
from handflow.places import studio_dir
from handflow.studio.lock import FileLock, is_held
from handflow.studio.training import LOCK, read_state
from needs import need


class Program:
    """A running `handflow studio`."""

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        arguments = [sys.executable, "-m", "handflow", "studio", str(folder), *options]
        self.process = subprocess.Popen(
            arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        assert self.process.stdout is not None
        self.start_link = self.process.stdout.readline().strip()
        assert self.start_link.startswith("http://127.0.0.1:"), self.end(signal.SIGKILL)
        self.port = re.sub(r".*:(\d+)/.*", r"\1", self.start_link)

    def end(self, number: int) -> tuple[int, str]:
        """Sends a signal; the exit code, and what was said on stderr."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=LIMIT)
        return self.process.returncode, said


@contextmanager
def running(folder: Path, *options: str, **environment: str) -> Iterator[Program]:
    program = Program(folder, "--no-open", *options, **environment)
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.end(signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_start_link_and_ends_in_good_order(tmp_path: Path, number: int) -> None:
    folder = tmp_path / "new" / "studio"
    with running(folder, "--port", "0") as program:
        with closing(Browser(program.start_link)) as browser:
            assert "<html" in browser.get("/").text
            browser.project("first")
        code, said = program.end(number)
    assert code == 0 and "Traceback" not in said
    assert str(folder) in said.replace("\n", "") and "Ctrl-C" in said
    assert not is_held(folder / ".lock")


def test_a_port_that_is_taken_is_named_with_the_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = handflow("studio", str(tmp_path), "--no-open", "--port", port)
    assert done.returncode == 1 and f"port {port}" in done.stderr and "--port 0" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_folder_is_used_by_one_studio(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / ".lock")
    assert lock.acquire()
    done = handflow("studio", str(tmp_path), "--no-open", "--port", "0")
    lock.release()
    assert done.returncode == 1 and "runs already" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("{0}/file",), "projects cannot lie in {0}/file (File exists): name another folder"),
        (("{0}/file/below",), "projects cannot lie in {0}/file/below (Not a directory)"),
        (("{0}", "--source", "nofile.mp4"), "no source 'nofile.mp4': no such file or folder"),
        (("{0}", "--source", ""), "no source ''"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_line(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "file").write_text("")
    done = handflow("studio", *(one.format(tmp_path) for one in arguments), "--no-open", "--port", "0")
    assert done.returncode == 1 and said.format(tmp_path) in done.stderr
    assert len(done.stderr.splitlines()) == 1


def handflow(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "handflow", *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def test_help_shows_an_example() -> None:
    said = CliRunner().invoke(command.app, ["--help"]).output
    assert "Example: handflow studio" in said and "--allow-commands" in said and "--source" in said


def test_missing_packages_are_named_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    done = CliRunner().invoke(command.app, [str(tmp_path)])
    assert isinstance(done.exception, MissingExtraError) and "handflow[studio]" in str(done.exception)


def test_projects_lie_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HANDFLOW_STUDIO", str(tmp_path))
    assert studio_dir() == tmp_path
    monkeypatch.delenv("HANDFLOW_STUDIO")
    assert studio_dir().parts[-2:] == ("handflow", "studio")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="they open browsers in their own ways")
def test_the_browser_is_opened_with_the_start_link(tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    program = Program(tmp_path / "studio", "--port", "0", BROWSER=f"{browser} %s", DISPLAY=":77")
    try:
        opened = tmp_path / "opened"
        eventually(lambda: opened.is_file() and opened.read_text().endswith("\n"), "it is opened")
        link = opened.read_text().strip()
        assert link.startswith(program.start_link.partition("=")[0])
        assert program.start_link.partition("=")[2] not in link  # all users of the computer see it
        assert httpx.get(link).status_code == 303
    finally:
        program.end(signal.SIGKILL)


def test_no_browser_is_opened_in_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not command._has_browser()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert command._has_browser()


def test_a_studio_that_is_killed_in_the_middle_of_a_recording_goes_on(
    tmp_path: Path, hand_models: HandModels
) -> None:
    one = shown("hand_up")
    with ExitStack() as stack:
        first = stack.enter_context(running(tmp_path, "--port", "0"))
        browser = stack.enter_context(closing(Browser(first.start_link)))
        slug = browser.project()
        page = browser.page(slug)
        page.order("record", gesture="up", how="key", seconds=1.2)
        page.wait_for("mode", mode="record")
        page.order("trigger")
        page.play(one.jpegs, one.fps)
        kept = page.wait_for("take")["take"]["id"]
        page.order("trigger")
        page.clock += 1
        assert page.play(one.jpegs[:10], one.fps)[-1]["recorder"]["phase"] == "recording"
        first.end(signal.SIGKILL)

        again = stack.enter_context(running(tmp_path, "--port", first.port))
        assert again.start_link == first.start_link
        assert browser.takes(slug) == {"up": [kept]}  # the cookie still holds
        assert check_dataset(tmp_path / slug / "dataset").of_clip(kept) == []
        assert len(Dataset.open(tmp_path / slug / "dataset").entries()) == 1
        page = browser.page(slug)  # as a page does that finds its server again
        page.order("record", gesture="up", how="key", seconds=1.2)
        page.wait_for("mode", mode="record")
        page.order("trigger")
        page.play(one.jpegs, one.fps)
        page.wait_for("take")
        assert len(browser.takes(slug)["up"]) == 2


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="sessions of processes are those of Unix")
def test_a_training_outlives_its_studio_and_is_found_again(tmp_path: Path) -> None:
    need(importlib.util.find_spec("torch"), "torch is not installed: run `handflow doctor`")
    with ExitStack() as stack:
        first = stack.enter_context(running(tmp_path, "--port", "0"))
        browser = stack.enter_context(closing(Browser(first.start_link)))
        slug = browser.project()
        teach_by_landmarks(tmp_path / slug / "dataset")
        browser.json("POST", f"projects/{slug}/train", {"kind": "landmark"})
        eventually(lambda: is_held(tmp_path / slug / LOCK), "it has begun")
        first.end(signal.SIGKILL)
        assert is_held(tmp_path / slug / LOCK)

        again = stack.enter_context(running(tmp_path, "--port", first.port))
        state = browser.json("GET", f"projects/{slug}/train")
        assert (state["state"], state["kind"]) == ("running", "landmark")
        assert again.end(signal.SIGINT)[0] == 0  # Ctrl-C ends the studio and no training
        assert is_held(tmp_path / slug / LOCK)

        third = stack.enter_context(running(tmp_path, "--port", first.port))
        assert third.start_link == first.start_link
        assert browser.json("DELETE", f"projects/{slug}/train")["state"] == "cancelled"
        assert not is_held(tmp_path / slug / LOCK) and read_state(tmp_path / slug).state == "cancelled"
        assert browser.train(slug)["state"] == "done"


def test_a_training_that_ends_while_no_studio_runs_is_put_to_use(tmp_path: Path) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(running(tmp_path, "--port", "0"))
        browser = stack.enter_context(closing(Browser(first.start_link)))
        slug = browser.project()
        teach_by_landmarks(tmp_path / slug / "dataset")
        browser.json("POST", f"projects/{slug}/train", {"kind": "few-shot"})
        first.end(signal.SIGKILL)
        eventually(lambda: read_state(tmp_path / slug).state == "done", "it is trained")
        stack.enter_context(running(tmp_path, "--port", first.port))
        told = browser.json("GET", f"projects/{slug}/model")
        assert told["name"] == read_state(tmp_path / slug).model
        shutil.rmtree(tmp_path / slug / "models" / told["name"])
        assert browser.json("GET", f"projects/{slug}/model") is None
