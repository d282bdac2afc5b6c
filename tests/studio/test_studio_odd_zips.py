"""Zips that are no projects: nothing of them is brought, run or unpacked."""

import io
import json
import re
import stat
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from odd_data import DATASET, LINES, bomb, encoded, scans, zipped
from studio_client import Browser, project_with_takes

from data_samples import make_dataset
from handflow.studio import takeaway
from handflow.studio.notes import NOTES_FILE
from handflow.studio.server import StudioServer


def special(mode: int) -> bytes:
    out = io.BytesIO(zipped(**DATASET))
    with zipfile.ZipFile(out, "a") as archive:
        member = zipfile.ZipInfo("clips")
        member.external_attr = mode << 16
        archive.writestr(member, "/etc")
    return out.getvalue()


def twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, pytest.warns(UserWarning):
        archive.writestr("dataset.json", DATASET["dataset.json"])
        archive.writestr("dataset.json", DATASET["dataset.json"])
    return out.getvalue()


def beside(name: str, content: bytes | str = "x") -> bytes:
    return zipped(**DATASET, **{name: content})


def packed(how: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        archive.writestr("dataset.json", DATASET["dataset.json"])
    return out.getvalue()


def with_flag(bit: int) -> bytes:
    """A zip that says this of its members."""
    content = bytearray(zipped(**DATASET))
    content[6] |= bit
    content[content.index(b"PK\1\2") + 8] |= bit
    return bytes(content)


def damaged() -> bytes:
    """What is packed cannot be unpacked."""
    content = bytearray(beside("clips/a/b/clip.json", "x" * 1000))
    content[content.index(b"clip.json") + 9] = 0xFF
    return bytes(content)


def overlapping() -> bytes:
    """All members are the same bytes of the file (D. Fifield, A better zip bomb, 2019)."""
    content = zipped(**DATASET, **{f"clips/a/{n}/clip.json": "x" for n in range(2)})
    place = content.rindex(b"PK\1\2")
    return content[: place + 42] + content[place - 4 - 64 : place - 64] + content[place + 46 :]


PICTURE = "clips/a/b/frames/0001.jpg"
DEEP = "[" * 100_000


ZIPS = {
    "up": beside("../../evil.txt"), "absolute": beside("/tmp/evil.txt"),
    "inside": beside("clips/../../evil.txt"),
    "windows": beside("..\\evil.txt"), "drive": beside("C:evil.txt"), "link": special(stat.S_IFLNK | 0o777),
    "device": special(stat.S_IFCHR | 0o666), "twice": twice(), "unknown": zipped(**{"hello.txt": "x"}),
    "lzma": packed(zipfile.ZIP_LZMA), "bzip2": packed(zipfile.ZIP_BZIP2), "encrypted": with_flag(1),
    "damaged inside": damaged(), "overlapping": overlapping(),
    "PNG as JPEG": beside(PICTURE, encoded(".png")), "huge JPEG": beside(PICTURE, bomb()),
    "JPEG of many scans": beside(PICTURE, scans()), "no picture": beside(PICTURE, "#EXTM3U\n/etc/passwd\n"),
    "deep JSON": zipped(**{"m/model.json": DEEP}),
    "deep bindings": zipped(**{"project.json": "{}", "bindings.toml": f"a = {DEEP[:60_000]}"}),
    "long key in bindings": zipped(**{"project.json": "{}", "bindings.toml": "a." * 20_000 + "b = 1"}),
    "long bindings": zipped(**{"project.json": "{}", "bindings.toml": "#" * 100_000}),
    "no zip": b"hello", "empty": b"", "cut off": beside("clips/a/b/clip.json")[:80],
}  # fmt: skip


@pytest.mark.parametrize("content", ZIPS.values(), ids=ZIPS)
def test_zips_that_hold_what_they_should_not_bring_nothing(
    server: StudioServer, browser: Browser, content: bytes
) -> None:
    before = browser.json("GET", "state")["projects"], files(server)
    answer = browser.post("/api/projects/import", content=content)
    assert answer.status_code == 422 and answer.json()["error"]["code"] in ("bad-zip", "bindings")
    assert (browser.json("GET", "state")["projects"], files(server)) == before


def files(server: StudioServer) -> list[str]:
    return sorted(path.name for path in (*server.folder.iterdir(), *server.folder.parent.iterdir()))


def test_a_zip_bomb_is_not_unpacked(
    server: StudioServer, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeaway, "LARGEST", 1_000_000)
    honest = zipped(**DATASET, **{"clips/a/b/landmarks.npz": bytes(2_000_000)})
    assert len(honest) < 5000
    lying = honest.replace(struct.pack("<I", 2_000_000), struct.pack("<I", 999))
    for content in (honest, lying):
        answer = browser.post("/api/projects/import", content=content)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad-zip")
    monkeypatch.setattr(takeaway, "MOST_FILES", 3)
    many = zipped(**DATASET, **{f"clips/a/{n}/clip.json": "" for n in range(4)})
    assert browser.post("/api/projects/import", content=many).json()["error"]["code"] == "bad-zip"
    monkeypatch.setattr(takeaway, "MOST_FILES", 1000)
    monkeypatch.setattr(takeaway, "LARGEST_DIRECTORY", 200)  # which is read before its length is known
    assert browser.post("/api/projects/import", content=many).json()["error"]["code"] == "bad-zip"


def test_a_zip_brings_nothing_but_what_belongs_to_a_project(
    server: StudioServer, browser: Browser, tmp_path: Path
) -> None:
    make_dataset(tmp_path / "set", takes=1)
    there = {
        p.relative_to(tmp_path / "set").as_posix(): p.read_bytes()
        for p in (tmp_path / "set").rglob("*")
        if p.is_file()
    }
    more = {".token": b"x", "evil.sh": b"x", "clips/left/x/evil.exe": b"x", "clips/left/x/frames/1.php": b"x",
            "clips/con/x/clip.json": b"{}", "trash/journal.jsonl": b"x"}  # fmt: skip
    project = browser.post("/api/projects/import?name=brought", content=zipped(**there, **more)).json()
    folder = server.folder / project["slug"]
    brought = {
        p.relative_to(folder / "dataset").as_posix() for p in (folder / "dataset").rglob("*") if p.is_file()
    }
    assert brought == {*there}
    assert sorted(p.name for p in folder.iterdir()) == ["dataset", "models", "project.json"]


def test_a_project_whose_bindings_run_programs_is_not_brought(browser: Browser) -> None:
    content = zipped(**{"project.json": json.dumps({"name": "x"}), "bindings.toml": LINES})
    answer = browser.post("/api/projects/import", content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "commands-not-allowed")


def test_a_take_that_holds_python_objects_runs_none(browser: Browser, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "ran",)

    out = io.BytesIO()
    np.savez(out, landmarks=np.array([Trap()], dtype=object))
    clip = json.dumps({"timestamps": [0, 1], "frame_size": [64, 48]})
    content = zipped(**DATASET, **{"clips/a/b/clip.json": clip, "clips/a/b/landmarks.npz": out.getvalue()})
    slug = browser.post("/api/projects/import", params={"name": "trap"}, content=content).json()["slug"]
    browser.json("GET", f"projects/{slug}")
    assert browser.get(f"/api/projects/{slug}/takes/b/preview").status_code == 422
    assert browser.train(slug)["state"] == "failed"
    assert not (tmp_path / "ran").exists()


@pytest.fixture(scope="module")
def taught(served: tuple[StudioServer, Browser]) -> bytes:
    """A whole project with a few-shot model, taken away."""
    server, browser = served
    slug = project_with_takes(server, browser, 2)
    assert browser.train(slug)["state"] == "done"
    return browser.get(f"/api/projects/{slug}/export/all").content


def with_notes(project: bytes, notes: str | None) -> bytes:
    """The same project with other notes beside its model; None: with none."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(project)) as old, zipfile.ZipFile(out, "w") as archive:
        for name in old.namelist():
            if not name.endswith(NOTES_FILE):
                archive.writestr(name, old.read(name))
            elif notes is not None:
                archive.writestr(name, notes)
    return out.getvalue()


MISFIT = {"clip": "a", "label": "left", "looks_like": "right", "same_as": None}
DAMAGED_NOTES = {
    "nothing": "", "no table": "[]", "deep": DEEP, "null": '{"advice": null}', "a list": '{"advice": []}',
    "no number": '{"advice": {"alike": NaN}}', "misfits": '{"advice": {"misfits": 3}}',
    "no chance": '{"advice": {"alike": [{"gestures": ["left", "right"], "chance": NaN}]}}',
    "large chance": '{"advice": {"alike": [{"gestures": ["left", "right"], "chance": 1e999}]}}',
    "three alike": '{"advice": {"alike": [{"gestures": ["a", "b", "c"], "chance": 1}]}}',
    "tables as texts": '{"advice": {"needs_more": {"left": {}}}}', "takes": '{"takes": [1]}',
    "long text": json.dumps({"advice": {"misfits": [{**MISFIT, "clip": "a" * 2000}]}}),
    "long list": json.dumps({"advice": {"needs_more": dict.fromkeys(map(str, range(100_001)), "")}}),
}  # fmt: skip


@pytest.mark.parametrize("notes", DAMAGED_NOTES.values(), ids=DAMAGED_NOTES)
def test_a_model_with_damaged_notes_leaves_its_project_open(
    browser: Browser, taught: bytes, notes: str
) -> None:
    content = with_notes(taught, notes)
    slug = browser.post("/api/projects/import?name=noted", content=content).json()["slug"]
    told = browser.json("GET", f"projects/{slug}")
    assert told["model"] is None and NOTES_FILE in told["model_problem"]
    assert [len(gesture["takes"]) for gesture in told["gestures"]] == [2, 2]
    assert browser.refusal("GET", f"projects/{slug}/model") == (422, "modelfile")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_model_that_says_no_number_is_not_brought(browser: Browser, taught: bytes, number: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(taught)) as old, zipfile.ZipFile(out, "w") as archive:
        for name in old.namelist():
            content = old.read(name).decode("latin-1")
            if name.endswith("/model.json"):
                content = re.sub(r'("mean": )[^,]+', rf"\g<1>{number}", content)
                assert number in content
            archive.writestr(name, content.encode("latin-1"))
    answer = browser.post("/api/projects/import?name=odd", content=out.getvalue())
    assert answer.status_code == 422 and "model.json" in answer.json()["error"]["message"]


def test_notes_may_be_missing_or_say_more(browser: Browser, taught: bytes) -> None:
    content = with_notes(taught, None)
    slug = browser.post("/api/projects/import?name=bare", content=content).json()["slug"]
    card = browser.json("GET", f"projects/{slug}/model")
    assert (card["pairs"], card["misfits"], card["needs_more"], card["outdated"]) == ([], [], {}, False)
    pair = {"gestures": ["left", "right"], "chance": 0.25}
    advice = {"alike": [pair], "misfits": [MISFIT], "needs_more": {"left": "few"}, "sentences": ["older"]}
    content = with_notes(taught, json.dumps({"takes": "others", "advice": advice, "more": 1}))
    slug = browser.post("/api/projects/import?name=older", content=content).json()["slug"]
    card = browser.json("GET", f"projects/{slug}/model")
    assert (card["pairs"], card["misfits"], card["outdated"]) == ([pair], [MISFIT], True)
    assert card["needs_more"] == {"left": "few"}
