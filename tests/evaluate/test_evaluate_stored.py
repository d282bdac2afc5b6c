"""The evaluation of a model in its folder is read as it was written."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handflow.errors import ModelFileError
from handflow.evaluate import clip_metrics
from handflow.evaluate.stored import RESULT_FILE, read_result, write_result

LABELS = ("left", "right", "glück")
ANSWERS = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from((*LABELS, None))), min_size=1, max_size=30
)


@given(ANSWERS)
def test_a_result_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, pairs: list) -> None:
    folder = tmp_path_factory.mktemp("model")
    result = clip_metrics(LABELS, [truth for truth, _ in pairs], [answer for _, answer in pairs])
    write_result(folder, result)
    again = read_result(folder)
    assert again is not None and again.details() == result.details()


def test_a_million_clips_take_no_more_memory_than_their_counts(tmp_path: Path) -> None:
    (tmp_path / RESULT_FILE).write_text(
        '{"labels": ["a", "b"], "confusion": [[600000, 5], [15, 0]], "no_hand": [0, 399980]}'
    )
    tracemalloc.start()
    try:
        result = read_result(tmp_path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result is not None and (result.clips, result.right) == (1_000_000, 600_000)
    assert most < 1_000_000  # bytes: a list of a million texts has eight times as many


def test_a_folder_without_one_has_none(tmp_path: Path) -> None:
    assert read_result(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"labels": [], "confusion": [], "no_hand": []}',
        '{"labels": ["a"], "confusion": [[0]], "no_hand": [0]}',
        '{"labels": ["a", "a"], "confusion": [[1, 0], [0, 1]], "no_hand": [0, 0]}',
        '{"labels": ["a"], "confusion": [[1, 2]], "no_hand": [0]}',
        '{"labels": ["a"], "confusion": [[-1]], "no_hand": [0]}',
        '{"labels": ["a"], "confusion": [[1000000]], "no_hand": [1]}',
    ],
)
def test_a_damaged_one_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / RESULT_FILE).write_text(content)
    with pytest.raises(ModelFileError, match=RESULT_FILE):
        read_result(tmp_path)
