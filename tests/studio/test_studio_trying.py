"""Trying a model on real pixels: events, what is bound to them, and takes made of its mistakes."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from studio_client import Browser, Page, eventually, studio
from studio_hands import Shown, shown, teach_by_landmarks

from handflow.data import Dataset
from handflow.hands import HandModels
from handflow.studio import trying
from handflow.studio.server import StudioServer
from handflow.types import BACKGROUND


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, hand_models: HandModels
) -> Iterator[tuple[StudioServer, Browser]]:
    with studio(tmp_path_factory.mktemp("studio")) as both:
        yield both


@pytest.fixture(scope="module")
def slug(served: tuple[StudioServer, Browser]) -> str:
    """A project with a model of two gestures."""
    server, browser = served
    slug = browser.project("taught")
    teach_by_landmarks(server.folder / slug / "dataset")
    assert browser.train(slug)["state"] == "done"
    return slug


def dataset(served: tuple[StudioServer, Browser], slug: str) -> Dataset:
    return Dataset.open(served[0].folder / slug / "dataset")


def begin(page: Page, **how: Any) -> None:
    page.order("try", **how)
    page.wait_for("mode", mode="try")


def perform(page: Page, one: Shown) -> list[dict[str, Any]]:
    return page.play(one.jpegs, one.fps)


def test_gestures_are_recognized_and_events_say_when(page: Page) -> None:
    begin(page)
    for gesture in ("hand_left", "hand_up"):
        page.clock += 2.0
        began = page.clock
        scores = [seen["scores"] for seen in perform(page, shown(gesture))]
        event = page.wait_for("event")
        assert event["gesture"] == gesture and event["score"] >= 0.7
        assert began <= event["onset"] < event["t"] <= page.clock
        assert event["offset"] is None or event["onset"] < event["offset"] <= event["t"]
        assert event["latency"] > 0
        assert max(score[gesture] for score in scores) >= 0.7
        assert all(0.99 < sum(score.values()) < 1.01 for score in scores)
    assert len(page.all("event")) == 2
    assert [event["id"] for event in page.all("event")] == [1, 2]


def test_sensitivity_holds_at_once_in_the_middle_of_a_gesture(
    served: tuple[StudioServer, Browser], slug: str, page: Page
) -> None:
    server, browser = served

    def enter() -> float:
        """The score from which the gesture now counts."""
        assert server.desk.seat is not None and isinstance(server.desk.seat._mode, trying.Trying)
        return server.desk.seat._mode._spotting._spotters["right"].threshold("hand_left").enter

    begin(page)
    one = shown("hand_left")
    page.play(one.jpegs[:12], one.fps)
    assert enter() == 0.7
    browser.json("PUT", f"projects/{slug}/sensitivity", {"hand_left": 1.0})
    eventually(lambda: enter() == 0.35, "it counts sooner")
    page.play(one.jpegs[12:], one.fps)
    assert page.wait_for("event")["gesture"] == "hand_left"  # what went on was not lost
    browser.json("PUT", f"projects/{slug}/sensitivity", {"hand_left": 0.0})
    eventually(lambda: enter() == 0.7, "it counts as the model says")


def test_an_event_that_was_none_becomes_background(
    served: tuple[StudioServer, Browser], browser: Browser, slug: str, page: Page
) -> None:
    begin(page)
    perform(page, shown("hand_left"))
    event = page.wait_for("event")
    before = len(browser.takes(slug)[BACKGROUND])
    page.order("wrong", event=event["id"])
    take = page.wait_for("take")
    assert take["gesture"] == BACKGROUND and len(browser.takes(slug)[BACKGROUND]) == before + 1
    opened = dataset(served, slug)
    entry = opened.find(take["take"]["id"])
    assert entry.source == f"{trying.WRONG} (hand_left)" == take["take"]["source"] and entry.has_frames
    assert entry.timestamps[0] <= event["onset"] and entry.timestamps[-1] <= event["t"] + 1e-6
    assert len(list(opened.frames(entry))) == len(opened.load(entry).sequence)
    page.order("wrong", event=event["id"])  # once is enough
    assert page.wait_for("error")["code"] == "too-late"
    assert browser.json("GET", f"projects/{slug}/model")["outdated"]


def test_a_missed_gesture_becomes_a_take_of_it(
    served: tuple[StudioServer, Browser], browser: Browser, slug: str, page: Page
) -> None:
    begin(page, keep_frames=False)
    page.order("missed", gesture="hand_up")
    assert page.wait_for("error")["code"] == "too-little"
    perform(page, shown("hand_up"))
    page.order("missed", gesture="hand_up")
    take = page.wait_for("take")
    entry = dataset(served, slug).find(take["take"]["id"])
    assert entry.label == "hand_up" and entry.source == trying.MISSED and not entry.has_frames
    assert 0.5 < entry.timestamps[-1] - entry.timestamps[0] < 6
    for unknown in ("none", BACKGROUND):
        page.order("missed", gesture=unknown)
        assert page.wait_for("error")["code"] == "absent"


def test_a_gesture_that_the_project_no_longer_has_is_not_brought_back(
    served: tuple[StudioServer, Browser],
) -> None:
    server, browser = served
    slug = browser.project("renamed")
    teach_by_landmarks(server.folder / slug / "dataset", takes=2)
    assert browser.train(slug)["state"] == "done"
    browser.json("PATCH", f"projects/{slug}/gestures/hand_up", {"name": "lift"})
    with browser.page(slug) as page:
        begin(page, keep_frames=False)
        perform(page, shown("hand_up"))
        page.order("missed", gesture="hand_up")
        told = page.wait_for("error")
        assert (told["code"], told["values"]) == ("absent", {"what": "gesture", "name": "hand_up"})
        page.order("missed", gesture="hand_left")
        assert page.wait_for("take")["gesture"] == "hand_left"
    assert {*browser.takes(slug)} == {"hand_left", "lift", BACKGROUND}


def test_a_model_that_was_brought_in_alone_is_taught_what_it_missed(
    served: tuple[StudioServer, Browser], slug: str
) -> None:
    _, browser = served
    zipped = browser.get(f"/api/projects/{slug}/export/model").content
    brought = browser.post("/api/projects/import", content=zipped, params={"name": "alone"}).json()["slug"]
    assert browser.takes(brought) == {}
    with browser.page(brought) as page:
        begin(page, keep_frames=False)
        perform(page, shown("hand_up"))
        for gesture in ("hand_up", "hand_left"):
            page.order("missed", gesture=gesture)
            assert page.wait_for("take")["gesture"] == gesture


def test_takes_of_mistakes_leave_no_thread_behind(browser: Browser, slug: str, page: Page) -> None:
    begin(page, keep_frames=False)
    perform(page, shown("hand_up"))
    before = threading.active_count()
    for _ in range(4):
        page.order("missed", gesture="hand_up")
        page.wait_for("take")
    eventually(lambda: threading.active_count() <= before, "their writers have ended")


class Lamp(http.server.BaseHTTPRequestHandler):
    calls: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        self.calls.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def lamp() -> Iterator[str]:
    """The address of a lamp that a gesture can switch."""
    Lamp.calls = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lamp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def test_what_is_bound_is_said_first_and_done_once_armed(
    browser: Browser, slug: str, page: Page, lamp: str
) -> None:
    page.order("try", acting="armed")
    assert page.wait_for("error")["code"] == "no-bindings"
    assert page.wait_for("armed") == {"type": "armed", "armed": False, "acting": "off"}
    binding = {"gesture": "hand_left", "do": [{"webhook": {"url": lamp, "json": {"seen": "{gesture}"}}}]}
    browser.json("POST", f"projects/{slug}/bindings", binding)
    begin(page, acting="dry")
    assert page.wait_for("armed") == {"type": "armed", "armed": False, "acting": "dry"}
    perform(page, shown("hand_left"))
    told = page.wait_for("did")
    assert (told["gesture"], told["outcome"]) == ("hand_left", "dry run") and Lamp.calls == []
    page.order("arm", armed=True)
    page.wait_for("armed", armed=True)
    page.clock += 2.0
    perform(page, shown("hand_left"))
    assert page.wait_for("did")["outcome"] == "performed"
    assert Lamp.calls == [{"seen": "hand_left"}]
    page.order("stop")
    page.wait_for("mode", mode="look")
    page.clock += 2.0
    perform(page, shown("hand_left"))
    assert len(Lamp.calls) == 1


def test_a_take_through_pixels_holds_the_hand_that_was_seen(
    served: tuple[StudioServer, Browser], browser: Browser, page: Page
) -> None:
    one = shown("hand_up")
    slug = browser.project("recorded")
    page.socket.close()
    with browser.page(slug) as own:
        own.order("record", gesture="up", how="key", seconds=1.5, takes=1)
        own.wait_for("mode", mode="record")
        own.order("trigger")
        perform(own, one)
        take = own.wait_for("take")
        assert take["take"]["doubts"] == []
        clip = dataset(served, slug).load(dataset(served, slug).find(take["take"]["id"]))
        assert clip.sequence.seen.any(axis=1).mean() > 0.8
        assert clip.frame_size == (320, 240)
        eventually(lambda: browser.takes(slug) == {"up": [clip.id]}, "it is listed")


def test_sensitivity_tries_the_model_that_was_trained_meanwhile(
    served: tuple[StudioServer, Browser],
) -> None:
    server, browser = served

    def tried() -> str:
        seat = server.desk.seat
        assert seat is not None
        return seat._mode.model.name if isinstance(seat._mode, trying.Trying) else ""

    slug = browser.project("trained twice")
    teach_by_landmarks(server.folder / slug / "dataset", takes=2)
    browser.train(slug)
    with browser.page(slug) as page:
        begin(page)
        before = tried()
        assert browser.train(slug)["state"] == "done"
        browser.json("PUT", f"projects/{slug}/sensitivity", {"hand_left": 0.5})
        page.wait_for("mode", mode="try")
        assert tried() == browser.json("GET", f"projects/{slug}/model")["name"] != before
