"""Training from the page: in a process of its own that is found again, cancelled, missed when killed."""

import importlib.util
import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from studio_client import Browser, eventually, project_with_takes

from data_samples import clip
from handflow import extras
from handflow.atomic import PARTIAL
from handflow.data import Dataset
from handflow.recognize import load_recognizer, read_model_info
from handflow.studio import training
from handflow.studio.lock import is_held
from handflow.studio.server import StudioServer
from handflow.studio.training import LOCK, STATE, read_state
from needs import need

needs_torch = pytest.mark.skipif(
    os.environ.get("HANDFLOW_REQUIRE") != "1" and not importlib.util.find_spec("torch"),
    reason="torch is not installed: run `handflow doctor`",
)


@pytest.fixture
def slug(server: StudioServer, browser: Browser) -> str:
    return project_with_takes(server, browser, 4)


def models(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "models").iterdir() if path.is_dir())


def enters(model: Path) -> dict[str, float]:
    """The score from which each gesture of a model counts, rounded."""
    return {g: round(t.enter, 3) for g, t in read_model_info(model).spotter.thresholds.items()}


def test_a_few_shot_model_is_taught_and_put_to_use(browser: Browser, slug: str, folder: Path) -> None:
    state = browser.train(slug)
    assert (state["state"], state["kind"], state["progress"]) == ("done", "few-shot", 1.0)
    assert models(folder) == [state["model"]]
    assert load_recognizer(folder / "models" / state["model"]).labels == ("left", "right", "background")
    told = browser.json("GET", f"projects/{slug}/model")
    assert (told["name"], told["labels"]) == (state["model"], ["left", "right"])
    assert read_model_info(folder / "models" / state["model"]).kind == "few-shot"
    assert told["accuracy"] == 1.0 and told["right"] == told["tested"] == 8
    low, high = told["interval"]
    assert 0.5 < low < high == 1.0
    assert told["confusion"] == {"labels": ["left", "right"], "matrix": [[4, 0], [0, 4]]}
    assert told["per_gesture"][0] == {"gesture": "left", "takes": 4, "tested": 4, "right": 4}
    assert enters(folder / "models" / state["model"]) == {"left": 0.7, "right": 0.7}
    assert not told["outdated"]
    report = browser.get(f"/api/projects/{slug}/model/report.html")
    assert report.status_code == 200 and "sandbox" in report.headers["content-security-policy"]
    assert "script" not in report.headers["content-security-policy"]
    assert "8 of 8 were recognized" in report.text
    for other in ("confusion.png", "model.json", "model.onnx"):
        assert browser.refusal("GET", f"projects/{slug}/model/{other}") == (404, "absent")
    assert browser.json("GET", "state")["projects"][0]["slug"]
    command = browser.json("GET", f"projects/{slug}/command")["command"]
    assert command.startswith("handflow run --model ") and state["model"] in command


def test_a_model_is_outdated_once_takes_have_changed(browser: Browser, slug: str) -> None:
    browser.train(slug)
    browser.json("PATCH", f"projects/{slug}/takes/left-0", {"gesture": "right"})
    assert browser.json("GET", f"projects/{slug}/model")["outdated"]
    browser.json("POST", f"projects/{slug}/undo")
    assert not browser.json("GET", f"projects/{slug}/model")["outdated"]


def test_takes_that_do_not_fit_are_named(browser: Browser, slug: str, folder: Path) -> None:
    dataset = Dataset.open(folder / "dataset")
    dataset.add(clip("odd one", "left", direction=(1.0, 0.0), seed=90))
    browser.train(slug)
    told = browser.json("GET", f"projects/{slug}/model")
    assert told["misfits"] == [{"clip": "odd one", "label": "left", "looks_like": "right", "same_as": None}]
    assert told["confused"] == [{"truth": "left", "answer": "right", "takes": 1}]
    assert "odd one" in browser.get(f"/api/projects/{slug}/model/report.html").text


def test_what_cannot_be_trained_is_said(browser: Browser, slug: str, folder: Path) -> None:
    empty = browser.project()
    assert browser.refusal("POST", f"projects/{empty}/train", {"kind": "few-shot"}) == (409, "no-takes")
    assert browser.refusal("GET", f"projects/{empty}/command") == (409, "no-model")
    assert browser.refusal("POST", f"projects/{slug}/train", {"kind": "magic"}) == (422, "absent")
    Dataset.open(folder / "dataset").add(clip("unseen", "up", missing=1.0))
    state = browser.train(slug)
    assert (state["state"], state["code"]) == ("failed", "training")
    assert "no clip of 'up' shows a hand" in state["message"]
    assert browser.json("GET", f"projects/{slug}/model") is None


def test_without_torch_few_shot_is_what_there_is(
    browser: Browser, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    assert browser.json("GET", "state")["kinds"] == {"few-shot": True, "landmark": False, "auto": False}
    answer = browser.post(f"/api/projects/{slug}/train", json={"kind": "landmark"})
    assert answer.status_code == 409 and "handflow[train]" in answer.json()["error"]["message"]
    assert browser.train(slug)["state"] == "done"


def test_sensitivity_is_the_models_own_and_goes_on_with_the_next(
    browser: Browser, slug: str, folder: Path
) -> None:
    sensitivity = f"projects/{slug}/sensitivity"
    assert browser.refusal("PUT", sensitivity, {"left": 0.5}) == (409, "no-model")
    browser.train(slug)
    assert browser.json("PUT", sensitivity, {"left": 1.0}) == {"left": 1.0, "right": 0.0}
    told = browser.json("GET", f"projects/{slug}/model")
    assert told["sensitivity"] == {"left": 1.0, "right": 0.0}
    assert enters(folder / "models" / told["name"]) == {"left": 0.35, "right": 0.7}
    for wrong in ({"left": 1.1}, {"left": "x"}, {"left": None}, [1], {"left": float(10**300)}):
        assert browser.refusal("PUT", sensitivity, wrong) == (400, "bad-request")
    assert browser.refusal("PUT", sensitivity, {"none": 0.5}) == (404, "absent")
    assert browser.refusal("PUT", sensitivity, {"background": 0.5}) == (404, "absent")
    model = browser.train(slug)["model"]
    assert read_model_info(folder / "models" / model).sensitivity == {"left": 1.0}
    assert len(models(folder)) == 2


def start_slow(browser: Browser, slug: str, folder: Path, phase: str) -> int:
    """Starts a training of a network and waits for a phase of it; its process."""
    browser.json("POST", f"projects/{slug}/train", {"kind": "landmark"})
    eventually(lambda: read_state(folder).phase == phase or read_state(folder).state != "running", phase)
    state = read_state(folder)
    assert state.state == "running" and state.pid is not None
    return state.pid


@needs_torch
def test_a_training_that_is_killed_is_told_and_leaves_the_model_in_use(
    browser: Browser, slug: str, folder: Path
) -> None:
    before = browser.train(slug)["model"]
    pid = start_slow(browser, slug, folder, "reading")
    assert browser.json("GET", f"projects/{slug}/train")["state"] == "running"
    assert browser.refusal("POST", f"projects/{slug}/train", {"kind": "few-shot"}) == (409, "training-runs")
    assert browser.refusal("DELETE", f"projects/{slug}") == (409, "training-runs")
    os.kill(pid, signal.SIGKILL)
    state = browser.trained(slug)
    assert (state["state"], state["code"]) == ("failed", "killed")
    assert browser.json("GET", f"projects/{slug}/model")["name"] == before
    left = folder / "models" / f"{PARTIAL}{pid}-0"
    left.mkdir()
    browser.train(slug)
    assert not left.exists() and len(models(folder)) == 2


@pytest.mark.slow
@needs_torch
def test_cancel_keeps_what_was_there(browser: Browser, slug: str, folder: Path) -> None:
    before = browser.train(slug)["model"]
    start_slow(browser, slug, folder, "training")
    state = browser.json("DELETE", f"projects/{slug}/train")
    assert state["state"] == "cancelled" and not state["cancelling"]
    assert not is_held(folder / LOCK)
    assert models(folder) == [before] and not list((folder / "models").glob(f"{PARTIAL}*"))
    assert browser.json("GET", f"projects/{slug}/model")["name"] == before
    assert browser.json("DELETE", f"projects/{slug}/train")["state"] == "cancelled"  # nothing left to cancel


def test_a_training_that_does_not_even_start_is_told(
    browser: Browser, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training.sys, "executable", shutil.which("false"))
    state = browser.train(slug)
    assert (state["state"], state["code"]) == ("failed", "killed")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"state": "what"}', '{"loss": 1}'])
def test_a_damaged_state_counts_as_none(folder: Path, content: str) -> None:
    (folder / STATE).write_text(content)
    assert read_state(folder).state == "none"


@pytest.mark.slow
@needs_torch
def test_a_network_says_how_far_it_is(browser: Browser, slug: str, folder: Path) -> None:
    need(importlib.util.find_spec("torch"), "torch is not installed: run `handflow doctor`")
    start_slow(browser, slug, folder, "training")
    seen = []

    def is_over() -> bool:
        seen.append(json.loads((folder / STATE).read_text()))
        return seen[-1]["state"] != "running"

    eventually(is_over, "the network is trained", limit=240)
    assert seen[-1]["state"] == "done", seen[-1]
    epochs = [state["epoch"] for state in seen]
    assert epochs == sorted(epochs) and epochs[-1] > 5
    assert [row[0] for row in seen[-1]["loss"]] == list(range(1, epochs[-1] + 1))
    assert all(row[1] > 0 and row[2] > 0 for row in seen[-1]["loss"])
    left = [state["seconds_left"] for state in seen if state.get("seconds_left")]
    assert left and left[-1] < left[0]
    told = browser.json("GET", f"projects/{slug}/model")
    model = folder / "models" / told["name"]
    assert read_model_info(model).kind == "landmark" and told["confusion"]["labels"]
    assert (model / "confusion.png").is_file() and (model / "loss.png").is_file()
    assert "recognized" in browser.get(f"/api/projects/{slug}/model/report.html").text
