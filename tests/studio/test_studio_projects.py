"""Projects, gestures and takes over HTTP: what is told, and that changes can be taken back."""

import stat
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from studio_client import Browser, project_with_takes

from data_samples import clip
from handflow.data import Dataset
from handflow.studio.server import StudioServer
from handflow.studio.workspace import Workspace


@pytest.fixture
def slug(server: StudioServer, browser: Browser) -> str:
    return project_with_takes(server, browser, 4)


@pytest.fixture
def dataset(served: tuple[StudioServer, Browser], slug: str) -> Path:
    return served[0].folder / slug / "dataset"


def test_projects_are_made_renamed_and_thrown_away(
    served: tuple[StudioServer, Browser], browser: Browser
) -> None:
    made = browser.json("POST", "projects", {"name": "  Mächtige   Folien "})
    assert (made["slug"], made["name"], made["takes"]) == ("machtige-folien", "Mächtige Folien", 0)
    assert browser.json("POST", "projects", {"name": "Machtige Folien!"})["slug"] == "machtige-folien-2"
    assert browser.json("POST", "projects", {"name": "手"})["slug"] == "project"
    assert browser.json("PATCH", "projects/machtige-folien", {"name": "Neu"})["name"] == "Neu"
    listed = {p["slug"]: p["name"] for p in browser.json("GET", "state")["projects"]}
    assert listed["machtige-folien"] == "Neu" and listed["project"] == "手"
    for _ in range(2):
        browser.json("DELETE", "projects/project")
        assert browser.refusal("GET", "projects/project") == (404, "absent")
        assert browser.json("POST", "projects", {"name": "手"})["slug"] == "project"
    assert {p.name for p in (served[0].folder / ".trash").iterdir()} == {"project", "project_2"}


@pytest.mark.parametrize("name", ["", "  ", "\t\n", "x" * 61])
def test_names_that_say_nothing_are_refused(browser: Browser, name: str) -> None:
    assert browser.refusal("POST", "projects", {"name": name}) == (422, "bad-name")


def test_state_says_what_may_be_done_here(browser: Browser) -> None:
    state = browser.json("GET", "state")
    assert state["kinds"]["few-shot"] and {*state["kinds"]} == {"few-shot", "landmark", "auto"}
    assert not state["server_camera"] and {"de", "en"} <= {*state["languages"]}


def test_a_project_tells_all_of_itself(browser: Browser, slug: str) -> None:
    told = browser.json("GET", f"projects/{slug}")
    assert [gesture["name"] for gesture in told["gestures"]] == ["left", "right"]
    assert told["training"]["state"] == "none" and told["model"] is None
    assert told["bindings"]["bindings"] == [] and {"keys", "webhook"} <= {*told["bindings"]["kinds"]}
    [take, *_] = told["gestures"][0]["takes"]
    assert take["id"] == "left-0" and take["seconds"] == pytest.approx(0.95) and not take["has_frames"]
    assert take["recorded"].endswith("+00:00") and take["doubts"] == []


def test_background_is_told_last(browser: Browser, slug: str, dataset: Path) -> None:
    Dataset.open(dataset).add(clip("idle", "background"))
    told = browser.json("GET", f"projects/{slug}/gestures")
    assert [(g["name"], g["background"]) for g in told] == [
        ("left", False),
        ("right", False),
        ("background", True),
    ]


def test_gestures_are_declared_renamed_and_thrown_away(browser: Browser, slug: str, dataset: Path) -> None:
    gestures = f"projects/{slug}/gestures"
    assert browser.json("POST", gestures, {"name": " wave "}) == {"name": "wave"}
    assert browser.refusal("POST", gestures, {"name": "Left"}) == (409, "taken")
    assert browser.refusal("PATCH", f"{gestures}/none", {"name": "x"}) == (404, "absent")
    assert browser.refusal("PATCH", f"{gestures}/left", {"name": "right"}) == (409, "taken")
    assert browser.refusal("PATCH", f"{gestures}/left", {"name": "background"}) == (422, "background")
    assert browser.json("PATCH", f"{gestures}/left", {"name": "to the left"}) == {"name": "to the left"}
    assert browser.takes(slug)["to the left"] == ["left-0", "left-1", "left-2", "left-3"]
    assert browser.json("DELETE", f"{gestures}/to%20the%20left") == {"undo": True}
    assert browser.json("DELETE", f"{gestures}/wave") == {"undo": False}
    assert [*browser.takes(slug)] == ["right"] and Dataset.open(dataset).gestures == ("right",)
    assert browser.json("POST", f"projects/{slug}/undo") == {"action": "delete", "take": "to the left"}
    assert len(browser.takes(slug)["to the left"]) == 4


def test_a_renamed_gesture_takes_its_bindings_along(served: tuple[StudioServer, Browser], slug: str) -> None:
    server, browser = served
    path = server.folder / slug / "bindings.toml"
    path.write_text('# mine\n[[bindings]]\ngesture = "left"  # old\ndo = [{ say = "x" }]\n')
    browser.json("PATCH", f"projects/{slug}/gestures/left", {"name": "hop"})
    assert path.read_text() == '# mine\n[[bindings]]\ngesture = "hop"  # old\ndo = [{ say = "x" }]\n'
    path.write_text("broken [")  # a file that somebody is about to mend stays as it is
    browser.json("PATCH", f"projects/{slug}/gestures/hop", {"name": "left"})
    assert path.read_text() == "broken ["


def test_takes_are_moved_deleted_and_brought_back(browser: Browser, slug: str) -> None:
    take = f"projects/{slug}/takes/left-0"
    assert browser.json("PATCH", take, {"gesture": "right"})["gesture"] == "right"
    assert "left-0" in browser.takes(slug)["right"]
    assert browser.json("PATCH", take, {"gesture": "background"})["gesture"] == "background"
    browser.json("DELETE", take)
    assert browser.takes(slug)["background"] == []
    for expected in ("background", "right", "left"):
        browser.json("POST", f"projects/{slug}/undo")
        assert "left-0" in browser.takes(slug)[expected]
    assert browser.refusal("POST", f"projects/{slug}/undo") == (409, "cannot-undo")
    assert browser.refusal("PATCH", take, {"gesture": "nowhere"}) == (404, "absent")
    assert browser.refusal("DELETE", f"projects/{slug}/takes/none") == (404, "absent")


def test_bad_takes_are_marked_with_the_reason(browser: Browser, slug: str, dataset: Path) -> None:
    opened = Dataset.open(dataset)
    opened.add(clip("unseen", "left", missing=0.8, seed=50))
    opened.add(clip("short", "left", frames=3, fps=30.0, seed=51))
    opened.add(clip("strange", "left", direction=(0.0, -1.0), seed=52))
    opened.add(clip("other", "left", direction=(1.0, 0.0), seed=53))
    [left, _] = browser.json("GET", f"projects/{slug}/gestures")
    found = {take["id"]: [(d["code"], d["other"]) for d in take["doubts"]] for take in left["takes"]}
    assert found["unseen"] == [("no-hand", "")]
    assert found["short"] == [("too-short", "")]
    assert found["strange"] == [("unlike", "")]
    assert found["other"] == [("looks-like", "right")]
    assert not any(found[f"left-{n}"] for n in range(4))
    (dataset / "clips" / "left" / "left-1" / "clip.json").write_text("{")
    [left, _] = browser.json("GET", f"projects/{slug}/gestures")
    broken = next(take for take in left["takes"] if take["id"] == "left-1")
    assert [d["code"] for d in broken["doubts"]] == ["damaged"]
    browser.json("DELETE", f"projects/{slug}/takes/left-1")


def test_a_take_plays_as_a_strip(browser: Browser, slug: str) -> None:
    answer = browser.get(f"/api/projects/{slug}/takes/left-0/preview")
    strip = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    steps, width, height = (int(answer.headers[f"x-{name}"]) for name in ("steps", "width", "height"))
    assert strip.shape == (height, steps * width, 3) and steps > 5
    assert browser.get(f"/api/projects/{slug}/takes/left-0/preview").content == answer.content
    assert browser.refusal("GET", f"projects/{slug}/takes/none/preview") == (404, "absent")


def test_a_damaged_project_is_listed_by_its_folder(served: tuple[StudioServer, Browser], slug: str) -> None:
    server, browser = served
    (server.folder / slug / "project.json").write_text("{")
    assert slug in [p["name"] for p in browser.json("GET", "state")["projects"]]
    (server.folder / slug / "dataset" / "dataset.json").write_text("{")
    assert browser.refusal("GET", f"projects/{slug}") == (422, "dataset")
    [told] = [p for p in browser.json("GET", "state")["projects"] if p["slug"] == slug]
    assert "damaged" in told["damaged"]


@pytest.mark.skipif(sys.platform == "win32", reason="rights of folders are those of POSIX")
def test_projects_are_their_owners_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)  # a folder that was there before
    made = Workspace(tmp_path).create("Mine")
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
