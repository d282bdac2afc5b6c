"""A page at the desk: what it is shown, what is recorded and when it is on disk, and who sits there."""

import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from studio_client import Browser, Page, dark, eventually, moving, record, studio

from data_samples import BrightHand, SlowHand, picture
from handflow.data import Dataset
from handflow.data.layout import frame_paths
from handflow.data.pictures import encode_jpeg
from handflow.studio import desk as desk_module
from handflow.studio.server import StudioServer
from handflow.types import BACKGROUND

STILL = encode_jpeg(picture(0))
RIGHT = encode_jpeg(picture(5))


def dataset(served: tuple[StudioServer, Browser], slug: str) -> Dataset:
    return Dataset.open(served[0].folder / slug / "dataset")


def test_each_picture_is_answered_with_its_hands_as_shares_of_it(page: Page) -> None:
    seen = page.show(STILL)
    [hand] = seen["hands"]
    assert (hand["side"], hand["track"], len(hand["points"])) == ("right", 0, 21)
    assert hand["points"][0] == [round(8 / 64, 4), 0.5]
    assert seen["n"] == 1 and seen["took"] > 0 and seen["dropped"] == 0
    assert page.show(RIGHT)["hands"][0]["points"][0][0] == round(48 / 64, 4)
    assert page.show(dark())["hands"] == []


def test_the_light_is_told(page: Page) -> None:
    assert page.show(dark())["light"] == pytest.approx(20 / 255, abs=0.01)
    assert page.show(RIGHT)["light"] > 0.4


def test_a_take_by_key_is_on_disk_when_the_page_hears_of_it(
    served: tuple[StudioServer, Browser], page: Page, slug: str
) -> None:
    take = record(page, "wave", moving())
    assert take["gesture"] == "wave" and take["take"]["has_frames"]
    entry = dataset(served, slug).find(take["take"]["id"])
    clip = dataset(served, slug).load(entry)
    assert entry.label == "wave" and entry.source == "browser camera" and entry.session
    assert clip.sequence.seen[:, 1].all()
    assert [frame.size for frame in dataset(served, slug).frames(entry)] == [(64, 48)] * len(clip.sequence)
    assert {path.read_bytes() for path in frame_paths(entry.path)} <= {*moving()}  # as they came


def test_takes_without_pictures_hold_landmarks_alone(browser: Browser, page: Page, slug: str) -> None:
    take = record(page, "wave", moving(), keep_frames=False)["take"]
    assert not take["has_frames"]
    strip = browser.get(f"/api/projects/{slug}/takes/{take['id']}/preview")
    assert strip.headers["content-type"] == "image/jpeg"
    decoded = cv2.imdecode(np.frombuffer(strip.content, np.uint8), cv2.IMREAD_COLOR)
    steps, width, height = (int(strip.headers[f"x-{name}"]) for name in ("steps", "width", "height"))
    assert decoded.shape == (height, steps * width, 3)


def test_the_recorder_says_what_it_does_in_codes(page: Page) -> None:
    page.order("record", gesture="wave", how="countdown", seconds=0.5, countdown=0.2, takes=1)
    page.wait_for("mode", mode="record")
    codes = [seen["recorder"]["code"] for seen in page.play(moving(30))]
    assert list(dict.fromkeys(codes)) == ["countdown", "recording", "done"]
    assert page.wait_for("take")["gesture"] == "wave"
    last = page.show(STILL)["recorder"]
    assert (last["takes"], last["wanted"], last["done"]) == (1, 1, True)


def test_hands_free_takes_follow_each_other_without_a_key(browser: Browser, page: Page, slug: str) -> None:
    page.order("record", gesture="wave", how="hands-free", takes=2)
    page.wait_for("mode", mode="record")
    codes = [page.show(dark())["recorder"]["code"]]
    swipe = [encode_jpeg(picture(n // 2)) for n in range(12)]
    for _ in range(2):
        for jpegs in ([STILL] * 70, swipe, [RIGHT] * 30):
            codes += [seen["recorder"]["code"] for seen in page.play(jpegs)]
        page.wait_for("take")
    assert {"show-hand", "hold-still", "ready", "recording", "saved"} <= set(codes) and codes[-1] == "done"
    assert len(browser.takes(slug)["wave"]) == 2


def test_idle_minutes_become_background_and_stop_keeps_them(
    served: tuple[StudioServer, Browser], page: Page, slug: str
) -> None:
    page.order("record", how="background", countdown=0, seconds=60)
    page.wait_for("mode", mode="record")
    page.play(moving(45), fps=15)
    page.order("stop")
    assert page.wait_for("take")["gesture"] == BACKGROUND
    page.wait_for("mode", mode="look")
    [entry] = dataset(served, slug).entries()
    assert entry.label == BACKGROUND and entry.timestamps[-1] - entry.timestamps[0] > 2.5


def test_a_take_without_a_hand_is_rejected_with_the_reason(browser: Browser, page: Page, slug: str) -> None:
    page.order("record", gesture="wave", how="key", seconds=0.5)
    page.wait_for("mode", mode="record")
    page.order("trigger")
    page.show(dark())
    page.play([dark()] * 20)
    rejected = page.wait_for("rejected")
    assert rejected["code"] == "no-hand" and "hand was seen in only 0" in rejected["reason"]
    assert page.show(dark())["recorder"]["code"] == "no-hand"
    assert browser.takes(slug) == {}


def test_undo_takes_the_last_take_back(browser: Browser, page: Page, slug: str) -> None:
    take = record(page, "wave", moving())["take"]
    page.order("undo")
    page.show(STILL)
    assert page.wait_for("undone") == {"type": "undone", "take": take["id"], "gesture": "wave"}
    assert browser.takes(slug) == {"wave": []}
    browser.json("POST", f"projects/{slug}/undo")  # which is undone as well
    assert browser.takes(slug) == {"wave": [take["id"]]}


def test_a_recording_that_is_refused_leaves_no_thread_behind(page: Page) -> None:
    before = {*threading.enumerate()}
    for refused in ({"gesture": "wave", "seconds": 30}, {"gesture": "a/b"}):
        page.order("record", **refused)
        page.wait_for("error")
    assert page.show(STILL)
    assert not [t for t in {*threading.enumerate()} - before if t.name == "take writer"]


def test_stop_drops_the_take_in_progress(browser: Browser, page: Page, slug: str) -> None:
    page.order("record", gesture="wave", how="key", seconds=2)
    page.order("trigger")
    page.play(moving(20))
    page.order("stop")
    page.wait_for("mode", mode="look")
    page.order("record", gesture="wave", how="key", seconds=2)
    page.wait_for("mode", mode="record")
    assert page.show(STILL)["recorder"]["code"] == "waiting"
    assert browser.takes(slug) == {}


def test_a_page_that_goes_loses_its_take_in_progress_alone(browser: Browser, slug: str) -> None:
    with browser.page(slug) as page:
        record(page, "wave", moving())
        page.order("record", gesture="wave", how="key", seconds=2)
        page.order("trigger")
        page.play(moving(20))
    with browser.page(slug) as again:  # reloaded: it gets the desk at once, its clock begins anew
        again.clock = 0.0
        assert again.show(STILL)["n"] == 1
        assert len(browser.takes(slug)["wave"]) == 1
        record(again, "wave", moving())
    assert len(browser.takes(slug)["wave"]) == 2


def test_a_clock_that_begins_anew_begins_a_new_source(page: Page) -> None:
    page.order("record", gesture="wave", how="key", seconds=2)
    page.order("trigger")
    page.play(moving(20))
    page.clock = 0.0
    assert page.show(STILL)["recorder"]["code"] == "waiting"
    page.send(STILL, page.clock - 0.2)  # one that comes late is left out
    page.clock += 1
    seen = page.show(STILL)
    assert (seen["n"], seen["dropped"]) == (22, 1)


def test_a_gesture_that_is_being_recorded_keeps_its_name(browser: Browser, page: Page, slug: str) -> None:
    record(page, "wave", moving())
    page.show(STILL)
    gesture = f"projects/{slug}/gestures/wave"
    assert browser.refusal("PATCH", gesture, {"name": "hello"}) == (409, "recording")
    assert browser.refusal("DELETE", gesture) == (409, "recording")
    page.order("look")
    page.wait_for("mode", mode="look")
    assert browser.json("PATCH", gesture, {"name": "hello"}) == {"name": "hello"}


def test_a_second_page_waits_and_may_take_over(
    browser: Browser, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "PATIENCE", 0.1)
    with browser.page(slug) as first, Page(browser, browser.project("other")) as second:
        second.wait_for("busy")
        second.order("record", gesture="wave")
        second.wait_for("busy")
        second.send(STILL, 1.0)
        first.show(STILL)
        second.order("take-over")
        first.wait_for("taken-over")
        first.wait_for("left")
        second.wait_for("mode", mode="look")
        second.show(STILL)
        first.send(STILL, 99.0)
        first.order("look")
        first.wait_for("busy")
        first.order("take-over")  # and back again
        first.wait_for("mode", mode="look")
        second.wait_for("left")
        first.show(STILL)
        assert not [seen for seen in first.all("seen") if seen["t"] == 99.0]


def test_the_desk_of_a_page_that_left_is_free(
    browser: Browser, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "PATIENCE", 0.1)
    with browser.page(slug):
        pass
    with Page(browser, slug) as next_page:
        assert next_page.wait_for("mode")["mode"] == "look"


def test_a_page_of_no_project_is_told_so(browser: Browser) -> None:
    with Page(browser, "nowhere") as page:
        assert page.wait_for("error")["code"] == "absent"
        assert page.wait_closed() == 4404


def test_trying_needs_a_model_and_missing_ones_are_told(page: Page) -> None:
    page.order("try")
    assert page.wait_for("error")["code"] == "no-model"
    page.order("source", camera="server")
    assert page.wait_for("error")["code"] == "no-server-camera"
    page.order("record", gesture="wave", seconds=50)
    assert page.wait_for("error")["code"] == "too-long"
    assert page.show(STILL)["hands"]


def test_deleting_a_project_ends_its_page(
    served: tuple[StudioServer, Browser], page: Page, slug: str
) -> None:
    server, browser = served
    record(page, "wave", moving())
    browser.json("DELETE", f"projects/{slug}")
    page.wait_for("left")
    assert slug not in [p["slug"] for p in browser.json("GET", "state")["projects"]]
    assert len(list((server.folder / ".trash").glob(f"{slug}*/dataset/clips/wave/*"))) == 1


def test_a_slow_server_looks_at_the_newest_picture(tmp_path: Path) -> None:
    with studio(tmp_path, make_landmarker=SlowHand) as (_, browser), browser.page(browser.project()) as page:
        for number in range(40):
            page.send(STILL if number < 39 else RIGHT, 1 + number / 30)
            time.sleep(0.002)
        seen = page.wait_for("seen", t=1 + 39 / 30)
        assert seen["hands"][0]["points"][0][0] == round(48 / 64, 4)
        assert seen["n"] < 10 and seen["n"] + seen["dropped"] == 40


def test_the_servers_own_camera_is_shown_and_recorded_from(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, jpeg in enumerate([STILL] * 20 + moving(60)):
        (folder / f"{number:03d}.jpg").write_bytes(jpeg)
    with studio(tmp_path / "studio", make_landmarker=BrightHand, camera=str(folder)) as (_, browser):
        assert browser.json("GET", "state")["server_camera"]
        slug = browser.project()
        with browser.page(slug) as page:
            page.order("source", camera="server")
            page.wait_for("source", camera="server")
            page.order("record", gesture="wave", how="key", seconds=0.5, takes=1)
            header = page.wait_for("frame")
            assert (header["width"], header["height"]) == (64, 48)
            assert page.wait_for("seen")["hands"]
            shown = cv2.imdecode(np.frombuffer(page.pictures[0], np.uint8), cv2.IMREAD_COLOR)
            assert shown.shape == (48, 64, 3)
            page.order("trigger")
            take = page.wait_for("take")
            assert take["take"]["source"] == str(folder)
            assert page.wait_for("error")["code"] == "camera-lost"  # the folder has come to its end
            page.wait_for("source", camera="browser")
            assert page.show(STILL)["hands"]


def test_takes_of_a_recording_say_which_camera_each_comes_from(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, jpeg in enumerate(moving(60)):
        (folder / f"{number:03d}.jpg").write_bytes(jpeg)
    with studio(tmp_path / "studio", make_landmarker=BrightHand, camera=str(folder)) as (_, browser):
        slug = browser.project()
        with browser.page(slug) as page:
            page.order("record", gesture="wave", how="countdown", countdown=0, seconds=0.5)
            page.wait_for("mode", mode="record")
            page.play(moving(10))  # of a take that ends with this camera
            page.order("source", camera="server")
            first = page.wait_for("take")["take"]
            page.wait_for("source", camera="browser")  # the folder has come to its end
            page.play(moving(30))
            second = page.wait_for("take")["take"]
            assert [first["source"], second["source"]] == [str(folder), "browser camera"]
            assert browser.takes(slug) == {"wave": [first["id"], second["id"]]}
            for take in (second, first):
                page.order("undo")
                assert page.wait_for("undone")["take"] == take["id"]


def test_a_camera_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    camera = tmp_path / "none.mp4"
    camera.write_text("no video")
    with (
        studio(tmp_path / "studio", make_landmarker=BrightHand, camera=str(camera)) as (_, browser),
        browser.page(browser.project()) as page,
    ):
        page.order("source", camera="server")
        assert page.wait_for("error")["code"] == "source"
        page.wait_for("source", camera="browser")
        assert page.show(STILL)["hands"]


def test_a_disk_that_is_full_is_told_and_ends_the_recording(
    served: tuple[StudioServer, Browser], page: Page, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **named: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("handflow.data.dataset.write_landmarks", full)
    page.order("record", gesture="wave", how="key", seconds=0.3)
    page.order("trigger")
    page.play(moving(20))
    told = page.wait_for("error")
    assert told["code"] == "not-saved" and "disk is full" in told["message"]
    page.wait_for("mode", mode="look")
    assert dataset(served, slug).entries() == []


class _Broken(BrightHand):
    def update(self, frame):  # type: ignore[no-untyped-def]
        raise RuntimeError("broken")


def test_a_desk_that_breaks_down_is_told_and_can_be_had_again(tmp_path: Path) -> None:
    made: list[BrightHand] = []

    def make() -> BrightHand:
        made.append(_Broken())
        return made[-1]

    with studio(tmp_path, make_landmarker=make) as (_, browser), browser.page(browser.project()) as page:
        page.send(STILL, 1.0)
        assert page.wait_for("error")["code"] == "internal"
        page.wait_for("left")
        page.order("take-over")
        page.wait_for("mode", mode="look")


def test_the_server_ends_with_pages_open_and_leaves_no_thread(tmp_path: Path) -> None:
    before = {*threading.enumerate()}
    with studio(tmp_path, make_landmarker=BrightHand) as (_, browser):
        page = browser.page(browser.project())
        page.order("record", gesture="wave", how="key", seconds=0.3)
        page.order("trigger")
        page.play(moving(20))
    page.wait_closed()
    eventually(
        lambda: not [t for t in {*threading.enumerate()} - before if t.name != "Thread"], "threads ended"
    )
