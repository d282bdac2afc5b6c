"""`handflow pretrain` as a user calls it, with a few steps."""

import importlib.util
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handflow.cli import app
from handflow.recognize.few_shot.packaged import OnnxEncoders, packaged_usual, read_card
from needs import need

runner = CliRunner()


@pytest.fixture(autouse=True)
def torch() -> None:
    need(importlib.util.find_spec("torch"), "torch is not installed: run `handflow doctor`")


def test_one_encoder_alone_leaves_a_checkpoint_that_goes_on(tmp_path: Path) -> None:
    arguments = ["pretrain", "--only", "exact", "--steps", "2", "--out", str(tmp_path)]
    first = runner.invoke(app, arguments)
    assert first.exit_code == 0, first.output
    path = Path(first.stdout.strip().splitlines()[-1])
    assert path == tmp_path / "checkpoints" / "exact.pt"
    before = path.read_bytes()
    again = runner.invoke(app, arguments)  # nothing is left to do
    assert again.exit_code == 0, again.output
    assert path.read_bytes() == before
    other = runner.invoke(app, [*arguments, "--seed", "1"])
    assert "another recipe" in str(other.exception)


@pytest.mark.slow
def test_both_encoders_become_files_that_models_can_use(tmp_path: Path) -> None:
    result = runner.invoke(app, ["pretrain", "--steps", "2", "--out", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    encoders = Path(document["encoders"])
    assert encoders.stat().st_size < 2_000_000
    card = read_card(tmp_path)
    assert card["command"] == "handflow pretrain --seed 0 --steps 2"
    assert card["results"]["shots"] == document["results"]
    assert list(packaged_usual(tmp_path).weights) == document["weights"]
    assert OnnxEncoders(encoders).embedding == 256


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["--only", "third"], 2, "exact, motion"),
        (["--steps", "0"], 2, "steps"),
        (["--device", "warp"], 1, "warp"),
    ],
)
def test_wrong_usage_names_what_is_right(arguments: list[str], code: int, named: str, tmp_path: Path) -> None:
    result = runner.invoke(app, ["pretrain", *arguments, "--out", str(tmp_path)])
    assert result.exit_code != 0
    assert named in result.output + str(result.exception)
    assert (result.exit_code == 2) == (code == 2)
