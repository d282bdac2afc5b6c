"""What a person is shown of windows: those that training draws, and held-out ones in the model folder."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from handflow.errors import TrainingError
from handflow.evaluate.augmented_page import ShownClip
from handflow.evaluate.inputs import ROW_GAP
from handflow.train import configured, train_model
from handflow.train.config import TrainConfig
from handflow.train.shown import TrainingWindows
from handflow.types import Clip
from train.persons import persons_clips

FLIPS = {"hand_left": "hand_right", "hand_right": "hand_left"}


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return persons_clips(40, persons=4, clips=2)


def drawn(clips: list[Clip], config: TrainConfig, **options: int) -> list[ShownClip]:
    return list(TrainingWindows(clips, config, **options))


def test_each_clip_comes_plain_and_varied_with_what_training_calls_it(clips: list[Clip]) -> None:
    config = configured("lrcn", seed=3)
    shown = drawn(clips, config, each=3)
    assert [c.label for c in shown] == ["hand_left"] * 3 + ["hand_right"] * 3 + ["background"] * 3
    for clip in shown:
        assert clip.plain.called == ((clip.label, 1.0),)
        assert len(clip.varied) == 4
        for window in (clip.plain, *clip.varied):
            assert window.pictures.shape == config.images.given.shape
            assert window.pictures.dtype == np.uint8
            assert np.ptp(window.pictures, axis=3).max() == 0, "masks are grey"
            assert sum(share for _, share in window.called) == pytest.approx(1, abs=1e-5)
        assert not any(np.array_equal(clip.plain.pictures, w.pictures) for w in clip.varied)
    assert any(window.pictures.any() for clip in shown for window in clip.varied)


def test_only_clips_that_training_learns_from_are_shown(clips: list[Clip]) -> None:
    shown = drawn(clips, configured("lrcn"), each=100)
    assert 0 < len(shown) < len(clips)
    assert len({clip.subject for clip in shown}) == 3, "one person is held out"


def test_the_same_seed_draws_the_same_and_another_one_others(clips: list[Clip]) -> None:
    first, again, other = (
        [w.pictures for c in drawn(clips, configured("lrcn", seed=s), each=1) for w in c.varied]
        for s in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_flips_take_the_mirrored_label_where_the_dataset_knows_it(clips: list[Clip]) -> None:
    config = replace(configured("lrcn"), flip_map=FLIPS)
    windows = TrainingWindows(clips, config, each=2, draws=8)
    called = {w.called[0][0] for c in windows if c.label == "hand_left" for w in c.varied}
    assert {"hand_left", "hand_right"} <= called
    assert any("mirrored" in fact for fact in windows.facts())
    assert not any("mirrored" in fact for fact in TrainingWindows(clips, configured("lrcn")).facts())


def test_clips_without_pictures_are_named_where_the_input_needs_them(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDFLOW_CACHE", str(tmp_path))
    with pytest.raises(TrainingError, match="landmarks alone, and --input full looks at pictures"):
        drawn(clips, configured("lrcn", input="full"))


def test_a_model_on_landmarks_has_no_pictures_to_show(clips: list[Clip]) -> None:
    with pytest.raises(TrainingError, match="'landmark' looks at no pictures: choose --model lrcn"):
        TrainingWindows(clips, configured("landmark"))


def test_the_model_folder_shows_two_held_out_windows_of_each_gesture(
    clips: list[Clip], tmp_path: Path
) -> None:
    config = configured("lrcn", epochs=1, frames=4, height=48, width=64, batch=16)
    folder = train_model(clips, config, tmp_path)
    sheet = cv2.imread(str(folder / "inputs.png"))
    assert sheet is not None
    assert sheet.shape[0] == ROW_GAP + 3 * 2 * (48 + ROW_GAP)
    assert np.ptp(sheet, axis=2).max() == 0, "masks are grey"
    assert (sheet == 255).mean() > 0.002 and (sheet == 0).mean() > 0.2
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "What the network sees" in text and "white on black" in text
