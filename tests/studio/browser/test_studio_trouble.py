"""What goes wrong around the studio's page: it says so, says what to do, and goes on where it can."""

import os
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from browser_studio import (
    FILMED,
    TAKES,
    Studio,
    Visitor,
    chromium,
    eventually,
    prepared,
    studio,
    videos,
    visit,
)
from fake_camera import FakeCamera

from handflow.hands import HandModels
from needs import need

pytestmark = pytest.mark.slow


@pytest.fixture
def served(tmp_path: Path, hand_models: HandModels) -> Iterator[Studio]:
    prepared(tmp_path / "projects")
    with studio(tmp_path / "projects") as running:
        yield running


@pytest.fixture
def camera(tmp_path: Path) -> FakeCamera:
    camera = FakeCamera(tmp_path)
    camera.show(videos().wave)
    return camera


WATCHED = """(() => {
  const asked = new WeakMap();
  const Processor = MediaStreamTrackProcessor;
  window.read = [];
  window.torn = 0;
  window.MediaStreamTrackProcessor = class extends Processor {
    constructor(init) {
      super(init);
      const { track } = init;
      window.read.push(track);
      const reader = this.readable.getReader();
      const take = reader.read.bind(reader);
      reader.read = () => {
        asked.set(track, true);
        return take().finally(() => asked.set(track, false));
      };
      this.readable.getReader = () => reader;
    }
  };
  const stop = MediaStreamTrack.prototype.stop;
  MediaStreamTrack.prototype.stop = function () {
    if (asked.get(this)) window.torn += 1;
    stop.call(this);
  };
})()"""
"""JavaScript: `read` holds the camera's tracks that were read, `torn` counts those stopped in a read.

Chromium leaves the picture of such a read open, and complains when it throws it away.
"""


def state(visitor: Visitor, wanted: str) -> None:
    """Waits until the camera's picture says what its state is."""
    visitor.wait(f'.picture[data-state="{wanted}"]')


def test_a_refused_camera_is_explained_and_tried_again(served: Studio, camera: FakeCamera) -> None:
    with chromium(camera, allowed=False) as browser:
        visitor = visit(served, browser)
        visitor.go("prepared/camera")
        state(visitor, "refused")
        assert "may not use the camera" in visitor.page.locator(".trouble").inner_text()
        visitor.page.context.grant_permissions(["camera"], origin=served.url)
        visitor.press("Try again")
        state(visitor, "on")
        visitor.wait('[data-check="hand"][data-state="good"]')
        visitor.no_complaints()


def test_a_computer_without_a_camera_is_told_so(served: Studio) -> None:
    with chromium(fake=False) as browser:
        visitor = visit(served, browser)
        visitor.go("prepared/camera")
        state(visitor, "missing")
        assert "Plug one in" in visitor.page.locator(".trouble").inner_text()
        visitor.no_complaints()


def test_a_camera_that_goes_is_told_and_comes_back(served: Studio, camera: FakeCamera) -> None:
    with chromium(camera) as browser:
        visitor = visit(served, browser)
        visitor.go("prepared/gestures")
        state(visitor, "on")
        processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
        os.kill(next(p["id"] for p in processes if "video_capture" in p["type"]), signal.SIGKILL)
        state(visitor, "gone")
        assert "unplugged" in visitor.page.locator(".trouble").inner_text()
        assert visitor.page.locator(".record").is_disabled()
        visitor.press("Try again")
        state(visitor, "on")
        visitor.wait(".record:not([disabled])")
        visitor.no_complaints()


def test_a_camera_that_is_left_while_it_starts_stays_off(served: Studio, camera: FakeCamera) -> None:
    with chromium(camera) as browser:
        visitor = visit(served, browser)
        for wait in range(0, 400, 20):  # ms; somewhere between them the picture begins
            visitor.go("prepared/camera")
            visitor.page.wait_for_timeout(wait)
            visitor.go("")
        visitor.go("prepared/camera")
        state(visitor, "on")
        visitor.no_complaints()


def test_a_camera_that_is_left_is_let_go_between_two_pictures(served: Studio, camera: FakeCamera) -> None:
    with chromium(camera) as browser:
        context = browser.new_context(locale="en-US")
        context.add_init_script(WATCHED)
        visitor = visit(served, context)
        for wait in range(0, 200, 40):  # ms
            visitor.go("prepared/camera")
            visitor.until("() => window.handflow.measured.answered > 3")
            visitor.page.wait_for_timeout(wait)
            visitor.go("")
            visitor.until("() => window.read.length && window.read.every((t) => t.readyState === 'ended')")
        assert visitor.page.evaluate("() => window.read.length") == 5
        assert visitor.page.evaluate("() => window.torn") == 0
        visitor.no_complaints()


def test_a_second_tab_is_told_and_may_take_over(served: Studio, camera: FakeCamera) -> None:
    with chromium(camera) as browser:
        context = browser.new_context(locale="en-US")
        first = visit(served, context)
        first.go("prepared/camera")
        first.wait('[data-check="hand"][data-state="good"]')
        second = visit(served, context)
        second.go("prepared/camera")
        state(second, "busy")
        second.press("Use it here")
        second.wait('[data-check="hand"][data-state="good"]')
        state(first, "taken")
        assert first.page.evaluate("() => document.querySelector('video').srcObject") is None
        first.press("Use it here")
        first.wait('[data-check="hand"][data-state="good"]')
        state(second, "taken")
        first.no_complaints()
        second.no_complaints()


def test_older_browsers_send_pictures_as_well(served: Studio, camera: FakeCamera) -> None:
    with chromium(camera) as browser:
        context = browser.new_context(locale="en-US")
        context.add_init_script(
            "delete HTMLVideoElement.prototype.requestVideoFrameCallback;"
            "delete window.VideoFrame; delete window.MediaStreamTrackProcessor;"
        )
        visitor = visit(served, context)
        visitor.go("prepared/camera")
        visitor.wait('[data-check="hand"][data-state="good"]')
        visitor.no_complaints()


def test_without_a_camera_in_the_browser_that_of_the_computer_serves(
    tmp_path: Path, hand_models: HandModels
) -> None:
    prepared(tmp_path / "projects")
    with (
        studio(tmp_path / "projects", "--source", str(videos().wave)) as served,
        chromium(fake=False) as browser,
    ):
        visitor = visit(served, browser)
        visitor.go("prepared/camera")
        state(visitor, "missing")
        visitor.page.get_by_label("Camera", exact=True).select_option("own")
        state(visitor, "on")
        visitor.wait('[data-check="hand"][data-state="good"]')
        drawn = "() => [document.querySelector('.picture > canvas')].map((c) => [c.width, c.height])[0]"
        assert visitor.page.evaluate(drawn) == list(FILMED)
        visitor.no_complaints()


def test_gestures_are_seen_while_another_window_lies_over_the_page(
    served: Studio, camera: FakeCamera
) -> None:
    with chromium(camera) as browser:
        context = browser.new_context()
        visitor = visit(served, context)
        visitor.go("prepared/camera")
        visitor.wait('[data-check="hand"][data-state="good"]')
        session = context.new_cdp_session(visitor.page)
        session.send("Emulation.setFocusEmulationEnabled", {"enabled": False})  # else it is never covered
        context.new_page().bring_to_front()
        frames = (
            "() => new Promise((done) => document.querySelector('video').requestVideoFrameCallback(done))"
        )
        for _ in range(3):  # now the browser shows a picture a second
            visitor.page.evaluate(frames)
        rate = "() => window.handflow.measured.answeredRate"
        eventually(
            lambda: (visitor.page.evaluate(rate) or 0) > 4, "an answer to more pictures than are shown"
        )
        visitor.no_complaints()


def test_a_server_that_is_killed_in_the_middle_of_a_recording_loses_no_take(
    served: Studio, camera: FakeCamera
) -> None:
    with chromium(camera) as browser:
        visitor = visit(served, browser)
        visitor.go("prepared/gestures")
        visitor.page.get_by_label("Name of the gesture").fill("greeting")
        visitor.press("Add")
        visitor.page.get_by_label("Hands-free").check()
        visitor.page.locator(".options summary").first.click()
        visitor.page.get_by_label("Takes in a row").fill(str(TAKES))
        visitor.press("Record R")
        visitor.until_takes("greeting", 1)
        visitor.wait('.picture[data-frame="recording"]')
        served.kill()
        visitor.wait("#banner:not([hidden])")
        assert "handflow studio" in visitor.page.locator("#banner").inner_text()
        assert visitor.takes("greeting") == 1
        served.start()
        visitor.wait("#banner", state="hidden")
        visitor.until_takes("greeting", TAKES)
        visitor.wait('.record[data-active="false"]')
        visitor.page.reload()
        visitor.until_takes("greeting", TAKES)
        visitor.no_complaints(gone=True)


def test_a_page_that_waited_for_the_studio_is_armed_no_longer(
    tmp_path: Path, camera: FakeCamera, hand_models: HandModels
) -> None:
    project = tmp_path / "projects" / prepared(tmp_path / "projects", trained=True)
    bound = '[[bindings]]\ngesture = "wave"\ndo = [{ mode = "music" }]\n'
    (project / "bindings.toml").write_text(bound, encoding="utf-8")
    with studio(tmp_path / "projects") as served, chromium(camera) as browser:
        visitor = visit(served, browser)
        visitor.go("prepared/bind")
        visitor.page.get_by_label("Armed").check()
        visitor.wait('.picture[data-frame="armed"]')
        served.kill()
        visitor.wait("#banner:not([hidden])")
        served.start()
        visitor.wait(".toast >> text=was interrupted")
        visitor.until("() => document.querySelector('[value=dry]').checked")
        visitor.no_complaints(gone=True)


def test_a_training_goes_on_without_the_server_and_is_found_again(served: Studio) -> None:
    need(find_spec("torch"), "torch is not installed: run `handflow doctor`")
    with chromium() as browser:
        visitor = visit(served, browser)
        visitor.go("prepared/train")
        visitor.page.locator(".train-card summary").click()
        visitor.page.get_by_label("Network").check()
        visitor.press("Teach it")
        visitor.wait(".loss:not([hidden])")
        served.kill()
        visitor.wait("#banner:not([hidden])")
        served.start()
        visitor.wait("#banner", state="hidden")
        visitor.page.reload()
        visitor.wait("progress:visible, .verdict")  # on a quick machine it is done by now
        visitor.wait(".verdict")
        visitor.no_complaints(gone=True)


def test_a_cancelled_training_leaves_what_was_there(tmp_path: Path, hand_models: HandModels) -> None:
    need(find_spec("torch"), "torch is not installed: run `handflow doctor`")
    prepared(tmp_path / "projects", trained=True)
    with studio(tmp_path / "projects") as served, chromium() as browser:
        visitor = visit(served, browser)
        visitor.go("prepared/train")
        before = visitor.page.locator(".verdict").inner_text()
        visitor.page.locator(".train-card summary").click()
        visitor.page.get_by_label("Network").check()
        visitor.press("Teach it again")
        visitor.wait("progress")
        visitor.page.reload()  # it is found again
        visitor.wait("progress")
        visitor.press("Cancel")
        visitor.wait(".verdict")
        assert visitor.page.locator(".verdict").inner_text() == before
        visitor.no_complaints()
