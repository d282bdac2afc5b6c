"""The hand models are found, verified and never taken on trust."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from handflow.errors import ModelFileError
from handflow.hands import HandModels, find_hand_models
from handflow.hands.models import LANDMARK, PALM, PATH_VARIABLE


@pytest.fixture(scope="module")
def folder(hand_models: HandModels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the true models."""
    place = tmp_path_factory.mktemp("models")
    (place / PALM.name).write_bytes(hand_models.palm)
    (place / LANDMARK.name).write_bytes(hand_models.landmark)
    return place


def wheel(path: Path, folder: Path, **changes: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for model in (PALM, LANDMARK):
            archive.writestr(
                model.members[0], changes.get(model.name[:4], (folder / model.name).read_bytes())
            )
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
