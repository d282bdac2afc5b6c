"""Rough treatment: requests, pictures and clocks that make no sense, and things that vanish meanwhile."""

import math
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from studio_client import TIME, Browser, Page, dark, moving, project_with_takes, record, studio

from data_samples import BrightHand, clip, picture
from handflow.capture import open_source
from handflow.data import Dataset
from handflow.data.pictures import encode_jpeg
from handflow.studio.browser_source import BrowserSource
from handflow.studio.server import StudioServer
from handflow.studio.workspace import Workspace

STILL = encode_jpeg(picture(0))
STRANGE = (
    "CON", "nul", "x" * 200, "é" * 81, "e\u0301" * 20, ".hidden", "a\\b", "a:b", "~", "\u202eabc", "שלום",
    "مرحبا", "手", "👨\u200d👩\u200d👧", "\u200d", "\x00", "a\x00b", "\n", "Background", "İ", "ﬁ",
)  # fmt: skip


@pytest.fixture
def slug(server: StudioServer, browser: Browser) -> str:
    return project_with_takes(server, browser, 3)


NONSENSE = {
    "half a character": b'{"name": "\\ud800"}',
    "no number": b'{"left": NaN}',
    "endless": b'{"left": 1e999}',
    "deep": b"[" * 100_000,
    "cut off": b'{"name": ',
    "no text": b"\xff\xfe",
    "a list": b"[1]",
    "nothing meant": b"null",
}


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE)
def test_requests_that_make_no_sense_are_refused_in_words(browser: Browser, slug: str, body: bytes) -> None:
    for method, path in (
        ("POST", "projects"),
        ("POST", f"projects/{slug}/gestures"),
        ("POST", f"projects/{slug}/bindings"),
        ("PUT", f"projects/{slug}/bindings.toml"),
        ("PUT", f"projects/{slug}/sensitivity"),
    ):
        answer = browser.request(method, f"/api/{path}", content=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad-request"), (method, path)


def test_a_binding_that_is_nested_too_deeply_is_refused(browser: Browser, slug: str) -> None:
    value: Any = 1
    for _ in range(400):
        value = [value]
    binding = {"gesture": "left", "do": [{"webhook": {"url": "http://x/", "json": value}}]}
    status, _ = browser.refusal("POST", f"projects/{slug}/bindings", binding)
    assert status in (400, 422)
    assert browser.json("GET", f"projects/{slug}/bindings")["bindings"] == []


@pytest.mark.parametrize("action", [{"keys": None}, {"osc": {"address": "/x", "args": [None]}}, {"": {}}, {}])
def test_a_binding_that_says_nothing_is_refused(browser: Browser, slug: str, action: Any) -> None:
    binding = {"gesture": "left", "do": [action]}
    assert browser.refusal("POST", f"projects/{slug}/bindings", binding) == (422, "bindings")


@pytest.mark.parametrize("name", STRANGE, ids=ascii)
def test_strange_names_are_taken_or_refused(browser: Browser, slug: str, name: str) -> None:
    at = quote(name, safe="")
    answers = [
        browser.post("/api/projects", json={"name": name}),
        browser.post(f"/api/projects/{slug}/gestures", json={"name": name}),
        browser.patch(f"/api/projects/{slug}/gestures/left", json={"name": name}),
        browser.patch(f"/api/projects/{slug}/takes/right-0", json={"gesture": name}),
        browser.get(f"/api/projects/{slug}/takes/{at}/preview"),
        browser.get(f"/api/projects/{slug}/model/{at}"),
        browser.get(f"/api/projects/{slug}/export/{at}"),
        browser.get(f"/api/projects/{at}"),
        browser.get(f"/static/{at}"),
    ]
    assert {answer.status_code for answer in answers} <= {200, 404, 409, 422}
    listed = {gesture["name"] for gesture in browser.json("GET", f"projects/{slug}")["gestures"]}
    assert len(listed) >= 2
    assert browser.json("GET", "state")["projects"]


def test_a_gesture_may_change_in_case_alone_and_none_is_almost_background(
    browser: Browser, slug: str
) -> None:
    gestures = f"projects/{slug}/gestures"
    assert browser.json("PATCH", f"{gestures}/left", {"name": "Left"}) == {"name": "Left"}
    assert browser.refusal("PATCH", f"{gestures}/Left", {"name": "RIGHT"}) == (409, "taken")
    assert browser.refusal("POST", gestures, {"name": "Background"}) == (422, "background")


def test_what_cannot_come_back_is_told_apart_from_nothing(browser: Browser, slug: str, folder: Path) -> None:
    assert browser.refusal("POST", f"projects/{slug}/undo") == (409, "cannot-undo")
    browser.json("DELETE", f"projects/{slug}/gestures/left")
    Dataset.open(folder / "dataset").add(clip("anew", "left"))
    assert browser.refusal("POST", f"projects/{slug}/undo") == (409, "undo-blocked")


def test_a_model_that_cannot_be_read_leaves_the_project_open(
    browser: Browser, slug: str, folder: Path
) -> None:
    model = folder / "models" / "old"
    model.mkdir()
    (model / "model.json").write_text('{"format_version": 999}')
    (folder / "models" / "current").write_text("old")
    told = browser.json("GET", f"projects/{slug}")
    assert told["model"] is None and "model.json" in told["model_problem"]
    assert [len(gesture["takes"]) for gesture in told["gestures"]] == [3, 3]
    assert browser.refusal("GET", f"projects/{slug}/model") == (422, "modelfile")
    (folder / "models" / "current").unlink()
    (folder / "models" / "current").mkdir()
    assert browser.json("GET", f"projects/{slug}")["model"] is None
    assert slug in [p["slug"] for p in browser.json("GET", "state")["projects"]]


def test_takes_are_listed_while_others_come_and_go(browser: Browser, slug: str) -> None:
    def delete_and_undo() -> None:
        for _ in range(40):
            browser.json("DELETE", f"projects/{slug}/takes/left-1")
            browser.json("POST", f"projects/{slug}/undo")

    changing = threading.Thread(target=delete_and_undo)
    changing.start()
    while changing.is_alive():
        assert len(browser.takes(slug)["left"]) in (2, 3)
    changing.join()
    assert len(browser.takes(slug)["left"]) == 3


def test_what_a_killed_studio_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    project = Workspace(tmp_path).create("x")
    Dataset.open(project.folder / "dataset").add(clip("whole", "wave"))
    gone = 2**22 + 1  # no process has such a number
    half = [project.folder / "dataset" / "clips" / "wave", tmp_path]
    for folder in half:
        (folder / f".partial-{gone}-abc").mkdir()
        (folder / f".partial-{gone}-abc" / "0001.jpg").write_bytes(STILL)
    again = Workspace(tmp_path).project("x")
    assert again.takes.counts() == {"wave": 1}
    assert not list(tmp_path.rglob(".partial-*"))


def test_undo_of_a_take_that_is_gone_already_disturbs_no_recording(
    browser: Browser, page: Page, slug: str
) -> None:
    page.order("record", gesture="wave", how="key", seconds=0.5)
    page.wait_for("mode", mode="record")

    def take() -> str:
        page.order("trigger")
        page.order("ping", t=page.clock)
        page.wait_for("pong", t=page.clock)
        page.play(moving(40))
        return str(page.wait_for("take")["take"]["id"])

    first = take()
    browser.json("DELETE", f"projects/{slug}/takes/{first}")
    page.order("undo")
    assert page.show(STILL) and page.wait_for("undone")["take"] == first
    second = take()
    assert browser.takes(slug)["wave"] == [second] and not page.all("error")


def test_no_order_and_no_picture_silences_the_desk(page: Page) -> None:
    for text in ('{"type": "ping", "t": NaN}', '{"type": "ping", "t": 1e999}', "[" * 50_000, "", '"\\ud800"'):
        page.socket.send(text)
        assert page.wait_for("error")["code"] == "bad-message"
    for raw in (b"", b"x", TIME.pack(1.0), TIME.pack(math.nan) + STILL, TIME.pack(1.0) + STILL[:50]):
        page.socket.send(raw)
        assert page.wait_for("error")["code"] == "bad-picture"
    for captured in (5e-324, 1e-323, 1e-300, 1.0, 1e12, 1e300, -1e300, 3.0, 1.7e9, 5.0):
        page.send(STILL, captured)
        page.order("ping", t=captured)
        page.wait_for("pong", t=captured)
    page.clock = 9.0
    assert page.show(STILL)["hands"] and page.show(dark())["hands"] == []


def test_a_picture_of_the_same_moment_is_left_out() -> None:
    source = BrowserSource()
    given = [1.0, 1.0 + 1e-9, 1.0 + 1e-5, 1.01, 1e300, 1e300]
    seen = []
    for captured in given:
        source.put(STILL, captured)
        seen.append(source.latest() is not None)
    assert seen == [True, False, False, True, True, False]
    assert math.isfinite(source.fps)


def test_pictures_that_change_in_size_end_a_take_with_the_reason(page: Page) -> None:
    page.order("record", gesture="wave", how="key", seconds=1)
    page.order("trigger")
    page.play(moving(10))
    page.show(encode_jpeg(picture(0, size=(96, 128))))
    assert page.wait_for("rejected")["code"] == "size"
    assert page.show(STILL)["hands"]


def test_a_page_learns_that_its_project_is_gone(browser: Browser, page: Page, slug: str) -> None:
    browser.json("DELETE", f"projects/{slug}")
    page.wait_for("left")
    page.order("take-over")
    assert page.wait_for("error")["code"] == "absent"
    assert page.wait_closed() == 4404


def test_pages_that_take_the_desk_from_each_other_leave_one_there(browser: Browser, slug: str) -> None:
    with Page(browser, slug) as first, Page(browser, slug) as second:
        for _ in range(6):
            for page in (first, second):
                page.order("take-over")
        for page in (first, second):
            page.order("ping", t=1)
            page.wait_for("pong", t=1)
        first.order("take-over")
        first.order("ping", t=2)
        first.wait_for("pong", t=2)
        assert first.show(STILL)["hands"]
        record(first, "wave", moving())
    assert len(browser.takes(slug)["wave"]) == 1


def test_the_servers_camera_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def opening(spec: str, **how: Any) -> Any:
        opened.append(spec)
        return open_source(spec, **how)

    monkeypatch.setattr("handflow.studio.cameras.open_source", opening)
    frames = tmp_path / "frames"
    frames.mkdir()
    for number, jpeg in enumerate(moving(90)):
        (frames / f"{number:03d}.jpg").write_bytes(jpeg)
    with (
        studio(tmp_path / "studio", make_landmarker=BrightHand, camera=str(frames)) as (_, browser),
        browser.page(browser.project()) as page,
    ):
        for _ in range(2):
            page.order("source", camera="server")
            page.wait_for("source", camera="server")
    assert opened == [str(frames)]
