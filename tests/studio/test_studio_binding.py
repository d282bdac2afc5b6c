"""Bindings from the page: changes that keep comments, what is wrong, and tests that perform."""

from pathlib import Path
from typing import Any

import pytest
from studio_client import Browser

from handflow.act.bindings_file import read_bindings
from handflow.studio import binding as binding_module
from handflow.studio.server import StudioServer

FILE = """# What my hands do.
start_mode = "slides"

[mqtt]
host = "broker.local"  # in the cellar

[[bindings]]
# the next slide
gesture = "swipe left"  # from the right
modes = ["slides"]
do = [{ say = "next" }]  # aloud

[[bindings]]
gesture = "fist"
cooldown = 2
do = [
    { say = { text = "off", voice = "de" } },  # first
    { mqtt = { topic = "room/light", payload = "off" } },
]
"""


@pytest.fixture
def path(served: tuple[StudioServer, Browser], slug: str) -> Path:
    return served[0].folder / slug / "bindings.toml"


@pytest.fixture
def at(slug: str) -> str:
    return f"projects/{slug}/bindings"


def say(gesture: str, text: str = "x", **more: Any) -> dict[str, Any]:
    return {"gesture": gesture, "do": [{"say": {"text": text}}], **more}


def test_a_first_binding_makes_the_file(browser: Browser, at: str, path: Path) -> None:
    assert browser.json("GET", at)["bindings"] == [] and not path.exists()
    [made] = browser.json("POST", at, say("wave", hand="left", modes=[], cooldown=0, repeat=None))["bindings"]
    assert (made["gesture"], made["hand"], made["enabled"]) == ("wave", "left", True)
    assert made["do"] == [{"say": {"text": "x"}}] and made["cooldown"] == 0 and made["modes"] == []
    text = path.read_text()
    assert text.startswith("# ") and text.endswith('gesture = "wave"\nhand = "left"\ndo = [{say = "x"}]\n')
    assert read_bindings(path).bindings[0].hand == "left"


def test_all_that_is_written_is_told_as_tables(browser: Browser, at: str, path: Path) -> None:
    path.write_text(FILE)
    told = browser.json("GET", at)
    assert told["text"] == FILE
    assert not any("slides" in problem for problem in told["problems"])  # it begins in that mode
    assert [b["modes"] for b in told["bindings"]] == [["slides"], []]
    assert [b["do"] for b in told["bindings"]] == [
        [{"say": {"text": "next"}}],
        [{"say": {"text": "off", "voice": "de"}}, {"mqtt": {"topic": "room/light", "payload": "off"}}],
    ]
    assert {kind for kind, told in told["kinds"].items() if not told["allowed"]} == {"command", "python"}
    assert told["kinds"]["webhook"]["extra"] == "home"


def test_changes_keep_comments_and_all_that_is_not_meant(browser: Browser, at: str, path: Path) -> None:
    path.write_text(FILE)
    [first, second] = browser.json("GET", at)["bindings"]
    browser.json("PUT", f"{at}/0", {**first, "gesture": "swipe", "hand": "right"})
    changed = FILE.replace('gesture = "swipe left"', 'gesture = "swipe"')
    assert path.read_text() == changed.replace("# aloud\n", '# aloud\nhand = "right"\n', 1)
    path.write_text(FILE)
    browser.json("PUT", f"{at}/1", {**second, "cooldown": 0})
    assert path.read_text() == FILE.replace("cooldown = 2\n", "")
    browser.json("PUT", f"{at}/1", {**second, "cooldown": 0, "do": [{"say": {"text": "dark"}}]})
    assert path.read_text() == FILE[: FILE.index("cooldown")] + 'do = [{say = "dark"}]\n'
    browser.json("POST", at, say("wave"))
    browser.json("DELETE", f"{at}/1")
    assert [b.gesture for b in read_bindings(path).bindings] == ["swipe left", "wave"]
    assert path.read_text().startswith(FILE[: FILE.index('[[bindings]]\ngesture = "fist"')])


def test_a_list_of_inline_tables_is_changed_as_well(browser: Browser, at: str, path: Path) -> None:
    path.write_text('bindings = [{ gesture = "a", do = [{ say = "x" }] }]  # short\n')
    browser.json("POST", at, say("b"))
    browser.json("PUT", f"{at}/0", say("c"))
    assert [b.gesture for b in read_bindings(path).bindings] == ["c", "b"]
    assert path.read_text().endswith("# short\n")


WRONG = [
    ({"gesture": "wave", "do": []}, "do is empty"),
    (say(""), "gesture"),
    (say("background"), "performs nothing"),
    ({"gesture": "wave", "do": [{"magic": {}}]}, "no action is called 'magic'"),
    ({"gesture": "wave", "do": [{"say": {"text": "x", "loud": True}}]}, "there is no such key"),
    (say("wave", cooldown=-1), "cooldown"),
    (say("wave", more=1), "there is no such key"),
    (say("fist"), "both say what fist does"),
]


@pytest.mark.parametrize(("given", "told"), WRONG, ids=[told for _, told in WRONG])
def test_what_is_wrong_is_told_and_not_written(
    browser: Browser, at: str, path: Path, given: dict[str, Any], told: str
) -> None:
    path.write_text(FILE)
    for method, place in (("POST", at), ("PUT", f"{at}/0")):
        answer = browser.request(method, f"/api/{place}", json=given)
        assert answer.status_code == 422 and answer.json()["error"]["code"] == "bindings"
        assert told in answer.json()["error"]["message"]
    assert path.read_text() == FILE


def test_requests_that_make_no_sense_are_refused(browser: Browser, at: str, path: Path) -> None:
    path.write_text(FILE)
    for given in (None, [], {"gesture": "x"}, {"gesture": "x", "do": [1]}, {"gesture": "x", "do": {}}):
        assert browser.refusal("POST", at, given) == (400, "bad-request")
    assert browser.refusal("PUT", f"{at}/7", say("x")) == (404, "absent")
    assert browser.refusal("DELETE", f"{at}/7") == (404, "absent")
    assert browser.request("DELETE", f"/api/{at}/-1").status_code == 404


def test_the_file_can_be_written_as_text(browser: Browser, at: str, path: Path) -> None:
    told = browser.json("PUT", f"{at}.toml", {"text": FILE.rstrip("\n")})
    assert path.read_text() == FILE == told["text"] and len(told["bindings"]) == 2
    answer = browser.put(f"/api/{at}.toml", json={"text": FILE + "broken"})
    assert answer.status_code == 422 and "bindings.toml:20" in answer.json()["error"]["message"]
    assert path.read_text() == FILE
    assert browser.json("PUT", f"{at}.toml", {"text": ""})["bindings"] == []


def test_a_file_that_an_editor_broke_is_shown_with_the_reason(browser: Browser, at: str, path: Path) -> None:
    path.write_text(FILE + "broken")
    told = browser.json("GET", at)
    assert told["text"].endswith("broken") and told["bindings"] == [] and "no TOML" in told["problems"][0]
    assert browser.refusal("POST", at, say("wave")) == (422, "bindings")
    path.write_text(FILE.replace("cooldown = 2", "cooldown = -2"))
    told = browser.json("GET", at)
    assert "cooldown" in told["problems"][0] and len(told["bindings"]) == 2
    browser.json("PUT", f"{at}/1", say("fist"))  # which the page can mend
    assert read_bindings(path).bindings[1].cooldown == 0


def test_problems_of_this_machine_are_told(browser: Browser, at: str) -> None:
    browser.json("POST", at, {"gesture": "fist", "do": [{"sound": {"file": "none.wav"}}]})
    told = browser.json("POST", at, say("other", modes=["nowhere"]))
    assert any("none.wav" in problem for problem in told["problems"])
    assert any("nowhere" in problem for problem in told["problems"])


def test_a_test_says_what_would_be_done_and_why_not(browser: Browser, at: str, path: Path) -> None:
    path.write_text(FILE)
    [told] = browser.json("POST", f"{at}/test", {"gesture": "swipe left", "dry_run": True})
    assert (told["outcome"], told["gesture"], told["action"]) == ("dry run", "swipe left", 'say "next"')
    first = browser.json("GET", at)["bindings"][0]
    browser.json("PUT", f"{at}/0", {**first, "enabled": False})
    [told] = browser.json("POST", f"{at}/test", {"gesture": "swipe left"})
    assert told["outcome"] == "refused" and "not enabled" in told["why"]
    assert browser.refusal("POST", f"{at}/test", {"gesture": "none"}) == (404, "unbound")
    assert browser.refusal("POST", f"{at}/test", {"gesture": "x", "hand": "third"}) == (400, "bad-request")


def test_a_test_performs_all_actions_and_tells_of_each(browser: Browser, at: str) -> None:
    browser.json(
        "POST",
        at,
        {
            "gesture": "wave",
            "do": [{"mode": "other"}, {"webhook": {"url": "http://127.0.0.1:9/", "retries": 0}}],
        },
    )
    [mode, call] = browser.json("POST", f"{at}/test", {"gesture": "wave"})
    assert (mode["outcome"], call["outcome"]) == ("performed", "failed") and call["why"]


def test_missing_packages_are_told_by_kind(
    browser: Browser, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    binding_module._misses_packages.cache_clear()
    monkeypatch.setattr("handflow.act.actions.osc.find_spec", lambda name: None)
    try:
        kinds = browser.json("GET", at)["kinds"]
        assert kinds["osc"]["extra_missing"] and not kinds["say"]["extra_missing"]
    finally:
        binding_module._misses_packages.cache_clear()


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999"])
def test_what_is_no_number_is_shown_and_named(browser: Browser, slug: str, folder: Path, number: str) -> None:
    (folder / "bindings.toml").write_text(
        f'bindings = [{{ gesture = "wave", do = [{{ sound = {{ file = "a.wav", volume = {number} }} }}] }}]'
    )
    told = browser.json("GET", f"projects/{slug}/bindings")
    assert isinstance(told["bindings"][0]["do"][0]["sound"]["volume"], str)
    assert any("volume" in problem for problem in told["problems"])
