"""inputs.png and its section in the report, and the page of windows that training draws."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from handflow.evaluate import clip_metrics
from handflow.evaluate.augmented_page import ShownClip, ShownWindow, write_augmented_page
from handflow.evaluate.inputs import GAP, PAPER, ROW_GAP, WIDEST, inputs_picture
from handflow.evaluate.report import write_report
from handflow.types import Image


def window(frames: int, height: int, width: int, *, grey: bool = False) -> Image:
    drawn = np.random.default_rng(frames).integers(
        0, 200, (frames, height, width, 1 if grey else 3), np.uint8
    )
    return np.broadcast_to(drawn, (frames, height, width, 3))


def sheet(path: Path) -> Image:
    picture = cv2.imread(str(path))
    assert picture is not None
    return np.asarray(picture[:, :, ::-1], np.uint8)


def test_each_window_is_one_row_of_its_pictures_behind_its_label(tmp_path: Path) -> None:
    shown = window(5, 48, 64)
    rows = [("hand_left", shown), ("hand_left", shown[::-1]), ("手を振る", shown)]
    drawn = sheet(inputs_picture(rows, tmp_path / "inputs.png"))
    assert drawn.shape[0] == ROW_GAP + 3 * (48 + ROW_GAP)
    left = drawn.shape[1] - 8 - 5 * (64 + GAP)
    for number, (_, pictures) in enumerate(rows):
        top = ROW_GAP + number * (48 + ROW_GAP)
        for k, picture in enumerate(pictures):
            x = left + k * (64 + GAP)
            assert np.array_equal(drawn[top : top + 48, x : x + 64], picture)
        assert (drawn[top : top + 48, : left - 8] < PAPER - 60).any(), "the label"


def test_a_sheet_of_grey_pictures_is_grey_and_long_windows_are_shrunk(tmp_path: Path) -> None:
    drawn = sheet(inputs_picture([("m" * 200, window(30, 72, 96, grey=True))], tmp_path / "inputs.png"))
    assert np.ptp(drawn, axis=2).max() == 0
    assert WIDEST * 0.9 < drawn.shape[1] < WIDEST * 1.3


@pytest.mark.parametrize(
    ("rows", "says"),
    [([], "no windows"), ([("a", window(2, 8, 8)), ("b", window(3, 8, 8))], "different shapes")],
)
def test_what_cannot_be_drawn_is_refused(tmp_path: Path, rows: list[tuple[str, Image]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        inputs_picture(rows, tmp_path / "inputs.png")
    assert not list(tmp_path.iterdir())


def test_the_report_shows_the_sheet_with_a_sentence_on_the_input(tmp_path: Path) -> None:
    result = clip_metrics(("a", "b"), ["a", "b"], ["a", "b"])
    without = write_report(tmp_path, result, sees="mask").read_text(encoding="utf-8")
    assert "What the network sees" not in without
    inputs_picture([("a", window(2, 48, 64))], tmp_path / "inputs.png")
    text = write_report(tmp_path, result, sees="mask").read_text(encoding="utf-8")
    assert "What the network sees" in text and "white on black" in text
    assert text.count("data:image/png;base64,") == 1


def test_the_page_names_targets_and_holds_names_from_outside_as_text(tmp_path: Path) -> None:
    plain = ShownWindow(window(4, 48, 64), (("<b>", 1.0),))
    varied = ShownWindow(window(4, 48, 64), (("<b>", 0.7), ("background", 0.3)))
    clips = [ShownClip(f"<i>{k}", "<b>", "<script>", plain, (varied, varied)) for k in range(3)]
    path = write_augmented_page(tmp_path / "page.html", "<u>", clips, ["A & B"], seconds=1.5)
    text = path.read_text(encoding="utf-8")
    assert len(re.findall('class="play"', text)) == 9
    assert text.count("&lt;b&gt; 100 %") == 3 and text.count("&lt;b&gt; 70 %, background 30 %") == 6
    assert text.count("<section>") == text.count("</section>") == 1
    assert text.count("--steps:4;") == 9 and "animation-duration:1.50s" in text
    for wild in ("<i>", "<script", "<u>"):
        assert wild not in text
