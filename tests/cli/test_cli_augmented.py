"""`handflow review --augmented` as a user calls it, on small rendered clips."""

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from handflow.cli import app
from handflow.data import Dataset
from handflow.types import Image

runner = CliRunner()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rendered") / "set"
    words = "--gestures hand_left,hand_right --persons 3 --clips 1 --size 160x120 --fps 10 --seconds 1.2"
    done = runner.invoke(app, ["synth", "--out", str(out), *words.split()])
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDFLOW_CACHE", str(tmp_path_factory.mktemp("cache")))


def review(dataset: Path, *words: str) -> Result:
    return runner.invoke(app, ["review", str(dataset), *words])


def strips(page: Path) -> list[Image]:
    found = re.findall(r"base64,([^)]*)\)", page.read_text(encoding="utf-8"))
    return [cv2.imdecode(np.frombuffer(base64.b64decode(d), np.uint8), cv2.IMREAD_COLOR_RGB) for d in found]


@pytest.mark.parametrize(
    ("words", "shape"),
    [
        (["--input", "crop"], (72, 12 * 96, 3)),
        (["--preset", "article", "--model", "convlstm"], (120, 8 * 160, 3)),
    ],
    ids=["crop", "article"],
)
def test_the_page_shows_a_plain_window_and_four_draws_of_each_clip(
    dataset: Path, words: list[str], shape: tuple[int, int, int]
) -> None:
    done = review(dataset, "--augmented", *words)
    assert done.exit_code == 0, done.output
    page = dataset / "review-augmented.html"
    assert str(page.resolve()) in done.stdout.replace("\n", "")
    shown = strips(page)
    text = page.read_text(encoding="utf-8")
    held_in = text.count("<small>as it is")
    assert 2 <= held_in <= 4 and len(shown) == 5 * held_in
    assert {s.shape for s in shown} == {shape}
    for k in range(0, len(shown), 5):
        assert shown[k].std() > 10
        for varied in shown[k + 1 : k + 5]:
            assert np.abs(varied.astype(int) - shown[k]).mean() > 2
    assert "hand_left 100 %" in text


def test_the_same_seed_gives_the_same_page(dataset: Path, tmp_path: Path) -> None:
    pages = []
    for name, seed in (("a", "4"), ("b", "4"), ("c", "5")):
        out = tmp_path / f"{name}.html"
        done = review(dataset, "--augmented", "--input", "full", "--seed", seed, "--out", str(out))
        assert done.exit_code == 0, done.output
        pages.append(out.read_bytes())
    assert pages[0] == pages[1] != pages[2]


def test_without_pictures_masks_are_shown_and_full_is_refused_in_one_line(
    dataset: Path, tmp_path: Path
) -> None:
    landmarks = Dataset.create(tmp_path / "landmarks")
    full = Dataset.open(dataset)
    for entry in full.entries():
        landmarks.add(full.load(entry))
    out = tmp_path / "page.html"
    done = review(landmarks.path, "--augmented", "--out", str(out))
    assert done.exit_code == 0, done.output
    assert all(np.ptp(s.astype(int), axis=2).max() == 0 for s in strips(out))
    refused = review(landmarks.path, "--augmented", "--input", "full")
    assert refused.exit_code != 0
    said = str(refused.exception)
    assert "landmarks alone, and --input full looks at pictures: use --input mask" in said
    assert "\n" not in said
    assert not (landmarks.path / "review-augmented.html").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--augmented", "--undo"], "--augmented only shows"),
        (["--input", "full"], "--input is for --augmented"),
        (["--seed", "0"], "--seed is for --augmented"),
        (["--augmented", "--model", "landmark"], "choose --model lrcn or convlstm"),
    ],
)
def test_options_that_do_not_fit_are_refused(dataset: Path, words: list[str], says: str) -> None:
    done = review(dataset, *words)
    assert done.exit_code != 0
    assert says in f"{done.exception} {done.output}"
