"""The hand models are found, verified and never taken on trust."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from handflow.errors import ModelFileError
from handflow.hands import HandModels, find_hand_models
from handflow.hands import models as module
from handflow.hands.models import (
    LANDMARK,
    LITE,
    PALM,
    PATH_VARIABLE,
    fetch_hand_models,
    has_hand_model,
)


@pytest.fixture(scope="module")
def folder(hand_models: HandModels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the true models."""
    place = tmp_path_factory.mktemp("models")
    (place / PALM.name).write_bytes(hand_models.palm)
    (place / LANDMARK.name).write_bytes(hand_models.landmark)
    return place


@pytest.fixture(scope="module")
def all_three(folder: Path, lite_models: HandModels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the lite model as well."""
    place = tmp_path_factory.mktemp("all")
    for name in (PALM.name, LANDMARK.name):
        (place / name).write_bytes((folder / name).read_bytes())
    (place / LITE.name).write_bytes(lite_models.landmark)
    return place


def wheel(path: Path, folder: Path, **changes: bytes) -> Path:
    """A wheel of the models in a folder, with as much about itself as pip asks for."""
    about = "mediapipe-0.10.21.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for model in (PALM, LANDMARK, LITE):
            if (folder / model.name).exists():
                content = changes.get(model.name[:4], (folder / model.name).read_bytes())
                archive.writestr(model.members[0], content)
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: false\n")
        archive.writestr(f"{about}/RECORD", "")
    return path


def test_models_come_from_the_path_that_the_user_names(folder: Path) -> None:
    assert find_hand_models(folder, download=False).source == folder


def test_models_come_from_the_wheel(folder: Path, tmp_path: Path) -> None:
    models = find_hand_models(wheel(tmp_path / "m.whl", folder), download=False)
    assert models.palm == (folder / PALM.name).read_bytes()


def test_the_environment_variable_names_the_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PATH_VARIABLE, str(folder))
    assert find_hand_models(download=False).source == folder


def test_a_changed_file_is_refused_and_named(folder: Path, tmp_path: Path) -> None:
    for name in (PALM.name, LANDMARK.name):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    damaged = bytearray((tmp_path / LANDMARK.name).read_bytes())
    damaged[1000] ^= 1
    (tmp_path / LANDMARK.name).write_bytes(bytes(damaged))
    with pytest.raises(ModelFileError, match=r"hand_landmark_full.*damaged.*doctor"):
        find_hand_models(tmp_path)


def test_a_changed_member_of_a_wheel_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="damaged"):
        find_hand_models(wheel(tmp_path / "m.whl", folder, palm=b"nonsense"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p / "absent", "no such file"),
        (lambda p: p, "does not hold"),
        (lambda p: (p / "x.whl").write_text("text") and p / "x.whl", "neither a wheel"),
    ],
)
def test_a_wrong_path_is_one_clear_line(make, message: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ModelFileError, match=message) as error:
        find_hand_models(make(tmp_path))
    assert "\n" not in str(error.value)


def test_an_empty_cache_without_download_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDFLOW_CACHE", str(tmp_path))
    monkeypatch.delenv(PATH_VARIABLE, raising=False)
    with pytest.raises(ModelFileError, match="doctor --download"):
        find_hand_models(download=False)


def test_offline_says_what_to_do(tmp_path: Path) -> None:
    """A real pip without an index fails as it does offline; nothing half-written stays."""
    code = "from handflow.hands import HandModels, find_hand_models; find_hand_models(quiet=True)"
    environment = {
        "HANDFLOW_CACHE": str(tmp_path),
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": str(tmp_path / "none"),
        "PATH": "",
        "SYSTEMROOT": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert PATH_VARIABLE in done.stderr
    assert not list(tmp_path.rglob("*.tflite"))


def test_the_lite_model_comes_from_a_folder_and_from_the_wheel(all_three: Path, tmp_path: Path) -> None:
    made = wheel(tmp_path / "m.whl", all_three)
    for place in (all_three, made):
        lite, full = (find_hand_models(place, model=m, download=False) for m in ("lite", "full"))
        assert (lite.model, full.model) == ("lite", "full")
        assert lite.palm == full.palm
        assert lite.landmark == (all_three / LITE.name).read_bytes() != full.landmark


def test_a_place_need_not_hold_what_is_not_asked_for(all_three: Path, folder: Path, tmp_path: Path) -> None:
    for name in (PALM.name, LITE.name):
        (tmp_path / name).write_bytes((all_three / name).read_bytes())
    assert find_hand_models(tmp_path, model="lite", download=False).model == "lite"
    for place, model in ((folder, "lite"), (tmp_path, "full")):
        with pytest.raises(ModelFileError, match="does not hold hand_landmark"):
            find_hand_models(place, model=model, download=False)  # type: ignore[arg-type]


def test_googles_bundle_has_no_lite_model_and_says_what_to_do(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "hand_landmarker.task"
    with zipfile.ZipFile(bundle, "w") as archive:
        for model in (PALM, LANDMARK):
            archive.writestr(model.members[1], (folder / model.name).read_bytes())
    assert find_hand_models(bundle, download=False).model == "full"
    with pytest.raises(ModelFileError, match=r"mediapipe==0\.10\.21's wheel.*--hand-model full") as error:
        find_hand_models(bundle, model="lite", download=False)
    assert "\n" not in str(error.value)
    monkeypatch.setenv(PATH_VARIABLE, str(bundle))
    assert (has_hand_model("full"), has_hand_model("lite")) == (True, False)
    fetch_hand_models(quiet=True)  # a place that the user names is left as it is


@pytest.fixture
def old_cache(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder from before there was a lite model."""
    cache = tmp_path / "cache/hand-models"
    cache.mkdir(parents=True)
    for name in (PALM.name, LANDMARK.name):
        (cache / name).write_bytes((folder / name).read_bytes())
    monkeypatch.setenv("HANDFLOW_CACHE", str(cache.parent))
    monkeypatch.delenv(PATH_VARIABLE, raising=False)
    return cache


def test_an_older_cache_serves_on_and_names_what_it_lacks(old_cache: Path) -> None:
    assert find_hand_models(download=False).source == old_cache
    assert (has_hand_model("full"), has_hand_model("lite")) == (True, False)
    with pytest.raises(ModelFileError, match=r"the lite hand model is not here yet.*doctor --download"):
        find_hand_models(model="lite", download=False)


@pytest.mark.parametrize("ask", [lambda: find_hand_models(model="lite", quiet=True), fetch_hand_models])
def test_an_older_cache_is_completed_by_a_download(  # type: ignore[no-untyped-def]
    ask, old_cache: Path, all_three: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real pip takes the wheel from a folder."""
    (tmp_path / "index").mkdir()
    wheel(tmp_path / "index/mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl", all_three)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "none"))
    before = (old_cache / PALM.name).stat().st_mtime_ns
    ask()
    assert {p.name for p in old_cache.iterdir()} == {PALM.name, LANDMARK.name, LITE.name}
    assert (old_cache / PALM.name).stat().st_mtime_ns == before, "what is there stays"
    assert find_hand_models(model="lite", download=False).source == old_cache
    monkeypatch.setattr(module, "_download", None)  # not asked again
    fetch_hand_models()


def test_offline_the_lite_model_has_a_remedy_of_its_own(
    old_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(ModelFileError, match=r"hand_landmark_lite.*Offline\?.*--hand-model full"):
        find_hand_models(model="lite", quiet=True)
