"""The demo's plan, its cache and, from end to end, a small one on rendered hands."""

import dataclasses
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handflow import demo, extras
from handflow.cli.demo import app
from handflow.demo import GESTURES, DemoConfig, clip_orders, play, prepare
from handflow.errors import MissingExtraError
from handflow.evaluate.streams import StreamEvents, score_streams
from handflow.hands import HandModels
from handflow.recognize import load_recognizer
from handflow.types import BACKGROUND

SMALL = DemoConfig(train_persons=1, test_persons=1, clips=1, background_clips=1, stream_gestures=2, fps=12)


def test_nobody_who_is_tested_was_trained_on() -> None:
    config = DemoConfig()
    train, test = clip_orders(config, test=False), clip_orders(config, test=True)
    assert not {o.subject for o in train} & {o.subject for o in test}
    assert not {o.person_seed for o in train} & {o.person_seed for o in test}
    streamed = config.person_seed(config.train_persons + config.test_persons)
    assert streamed not in {o.person_seed for o in (*train, *test)}
    assert len({o.id for o in (*train, *test)}) == len(train) + len(test)
    assert {o.gesture for o in test} == {*GESTURES, BACKGROUND}


@pytest.mark.parametrize("change", [{"seed": 1}, {"clips": 2}, {"fps": 30.0}, {"size": (640, 480)}])
def test_every_change_of_what_is_made_has_a_cache_of_its_own(change: dict[str, object]) -> None:
    assert dataclasses.replace(SMALL, **change).fingerprint != SMALL.fingerprint  # type: ignore[arg-type]


def test_without_torch_it_ends_before_anything_is_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    monkeypatch.setattr(demo, "prepare", lambda *_, **__: pytest.fail("clips were rendered in vain"))
    result = CliRunner().invoke(app, ["--out", str(tmp_path / "out")])
    assert isinstance(result.exception, MissingExtraError)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_small_demo_from_pixels_to_events(
    directions_model: Path, hand_models: HandModels, tmp_path: Path
) -> None:
    told: list[int] = []
    material = prepare(SMALL, tmp_path, jobs=2, progress=lambda _, done, __: told.append(done))
    assert told == sorted(told)
    assert told[-1] == 10
    assert len(material.segments) == SMALL.stream_gestures
    again = prepare(SMALL, tmp_path, jobs=2, progress=lambda *_: pytest.fail("it was made already"))
    assert again == material
    played = play(material, load_recognizer(directions_model), tmp_path / "out.mp4", progress=lambda *_: None)
    assert (tmp_path / "out.mp4").stat().st_size > 10_000
    result = score_streams([StreamEvents("demo", material.segments, played.events, played.seconds)])
    assert json.dumps(result.document(), allow_nan=False)
    assert result.gestures == SMALL.stream_gestures
