"""What is taken away comes back the same: projects, datasets and models as zips."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from studio_client import Browser, moving, record

from data_samples import make_dataset, moving_hand
from handflow.atomic import PARTIAL
from handflow.data import load_clips
from handflow.recognize import load_recognizer
from handflow.studio.server import StudioServer
from handflow.types import Clip

BINDINGS = '# mine\n[[bindings]]\ngesture = "left"\ndo = [{ say = "x" }]\n'


@pytest.fixture(scope="module")
def slug(served: tuple[StudioServer, Browser]) -> str:
    """A project with takes, pictures, a model and bindings."""
    server, browser = served
    slug = browser.project("Meine Gesten")
    folder = server.folder / slug
    shutil.rmtree(folder / "dataset")
    make_dataset(folder / "dataset", takes=2)
    with browser.page(slug) as page:
        record(page, "left", moving())
    assert browser.train(slug)["state"] == "done"
    browser.json("PUT", f"projects/{slug}/sensitivity", {"left": 0.5})
    (folder / "bindings.toml").write_text(BINDINGS)
    browser.json("DELETE", f"projects/{slug}/takes/left-0")
    (folder / "dataset" / "clips" / f"{PARTIAL}1-x").mkdir()
    return slug


def taken(browser: Browser, slug: str, what: str) -> tuple[str, bytes]:
    """Name and content of what is taken away."""
    answer = browser.get(f"/api/projects/{slug}/export/{what}")
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    disposition = answer.headers["content-disposition"]
    return disposition.removeprefix("attachment; filename*=UTF-8''"), answer.content


def names(content: bytes) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(content)).namelist())


def brought(browser: Browser, content: bytes, name: str = "") -> str:
    answer = browser.post("/api/projects/import", params={"name": name} if name else {}, content=content)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["slug"])


def test_a_whole_project_comes_back_the_same(served: tuple[StudioServer, Browser], slug: str) -> None:
    server, browser = served
    name, content = taken(browser, slug, "all")
    assert name == f"{slug}.zip"
    again = brought(browser, content)
    before, after = (browser.json("GET", f"projects/{s}") for s in (slug, again))
    assert after["name"] == "Meine Gesten" and again != slug
    assert after["gestures"] == [
        {
            **g,
            "takes": [{**t, "recorded": u["recorded"]} for t, u in zip(g["takes"], h["takes"], strict=True)],
        }
        for g, h in zip(before["gestures"], after["gestures"], strict=True)
    ]
    assert after["model"] == before["model"] and after["bindings"]["text"] == BINDINGS
    assert not any("trash" in name or PARTIAL in name for name in names(content))
    assert not (server.folder / again / "dataset" / "trash").exists()


def test_a_dataset_comes_back_the_same(served: tuple[StudioServer, Browser], slug: str) -> None:
    server, browser = served
    name, content = taken(browser, slug, "dataset")
    assert name == f"{slug}-dataset.zip" and f"{slug}/dataset.json" in names(content)
    again = brought(browser, content, "Kopie")
    assert browser.json("GET", f"projects/{again}")["name"] == "Kopie"
    before, after = (load_clips(server.folder / s / "dataset") for s in (slug, again))
    assert [(c.id, c.label) for c in before] == [(c.id, c.label) for c in after]
    assert browser.train(again)["state"] == "done"


def test_a_dataset_that_lies_in_no_folder_of_the_zip_is_brought_too(browser: Browser, tmp_path: Path) -> None:
    make_dataset(tmp_path / "set", takes=1)
    path = shutil.make_archive(str(tmp_path / "set"), "zip", tmp_path / "set")
    assert browser.takes(brought(browser, Path(path).read_bytes())) == {
        "left": ["left-0"],
        "right": ["right-0"],
    }


def test_a_model_comes_back_and_recognizes_the_same(
    served: tuple[StudioServer, Browser], slug: str, tmp_path: Path
) -> None:
    server, browser = served
    _, content = taken(browser, slug, "model")
    again = brought(browser, content, "Modell")
    before, after = (browser.json("GET", f"projects/{s}/model") for s in (slug, again))
    assert {**after, "outdated": before["outdated"]} == before and after["sensitivity"]["left"] == 0.5
    clip = Clip("", "left", moving_hand((-1.0, 0.0), seed=77), (640, 480))
    models = [server.folder / s / "models" / before["name"] for s in (slug, again)]
    old, new = (load_recognizer(model).classify(clip) for model in models)
    assert old.tolist() == new.tolist()


@pytest.mark.parametrize("place", ["/etc/hostname", "../../../.token", "model.json"])
def test_a_network_reads_no_other_file(
    served: tuple[StudioServer, Browser], slug: str, tmp_path: Path, place: str
) -> None:
    """ONNX may keep its numbers in other files, wherever it says they are."""
    import onnx

    _, browser = served
    _, content = taken(browser, slug, "model")
    zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path)
    [folder] = tmp_path.iterdir()
    network = onnx.load(folder / "model.onnx")
    weights = network.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=place)
    (folder / "model.onnx").write_bytes(network.SerializeToString())
    packed = shutil.make_archive(str(tmp_path / "model"), "zip", tmp_path, folder.name)
    again = brought(browser, Path(packed).read_bytes(), "Fremd")
    with browser.page(again) as page:
        page.order("try", acting="off")
        assert page.wait_for("error")["code"] == "modelfile"


def test_onnx_and_bindings_are_taken_away(browser: Browser, slug: str) -> None:
    name, content = taken(browser, slug, "onnx")
    assert name == f"{slug}-onnx.zip"
    assert {Path(n).name for n in names(content)} >= {"model.onnx", "model.json", "load.py"}
    assert taken(browser, slug, "bindings") == (f"{slug}-bindings.toml", BINDINGS.encode())


def test_what_is_not_there_cannot_be_taken_away(browser: Browser) -> None:
    empty = browser.project()
    export = f"projects/{empty}/export"
    assert browser.refusal("GET", f"{export}/model") == (409, "no-model")
    assert browser.refusal("GET", f"{export}/onnx") == (409, "no-model")
    assert browser.refusal("GET", f"{export}/bindings") == (409, "no-bindings")
    assert browser.refusal("GET", f"{export}/everything") == (404, "absent")
    assert browser.takes(brought(browser, taken(browser, empty, "all")[1])) == {}


def test_a_damaged_zip_brings_nothing(served: tuple[StudioServer, Browser], slug: str) -> None:
    server, browser = served
    _, content = taken(browser, slug, "all")
    before = sorted(path.name for path in server.folder.iterdir())
    middle = len(content) // 2
    damaged = content[:middle] + bytes(2000) + content[middle + 2000 :]
    newer = io.BytesIO()
    with zipfile.ZipFile(newer, "w") as out:
        out.writestr("dataset.json", json.dumps({"format_version": 99}))
    for wrong in (damaged, content[:-50], newer.getvalue()):
        assert browser.post("/api/projects/import", content=wrong).status_code == 422
    assert sorted(path.name for path in server.folder.iterdir()) == before
