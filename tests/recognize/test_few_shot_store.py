"""What is stored of a taught model: read as it was written, or refused in a line that names the file."""

import io
import json
import os
import pickle
import shutil
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handflow.errors import ModelFileError
from handflow.recognize.few_shot.classifier import FewShotClassifier
from handflow.recognize.few_shot.examples import (
    EXAMPLES_FILE,
    Examples,
    clip_view,
    examples_of,
    read_examples,
    write_examples,
)
from handflow.recognize.few_shot.hand_features import FEW_SHOT_VERSION
from handflow.recognize.few_shot.packaged import (
    CARD_FILE,
    packaged_encoders,
    packaged_folder,
    packaged_usual,
    read_card,
)
from handflow.recognize.few_shot.views import active_span, view_of
from handflow.types import LEFT, RIGHT
from teach.few_shot_samples import CLEAR, USUAL, clip_of, nothing, performed, takes


@pytest.fixture(scope="module")
def examples() -> Examples:
    made = examples_of(takes(), packaged_encoders())
    assert made is not None
    return made


@pytest.fixture(scope="module")
def arrays(examples: Examples, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    folder = tmp_path_factory.mktemp("stored")
    write_examples(folder, examples)
    with np.load(folder / EXAMPLES_FILE) as found:
        return dict(found)


def store(folder: Path, arrays: Mapping[str, Any], **changed: Any) -> Path:
    """Writes the arrays with some changed, those that are None left out."""
    whole = {name: value for name, value in (arrays | changed).items() if value is not None}
    np.savez_compressed(folder / EXAMPLES_FILE, **whole)
    return folder


def refused(folder: Path) -> str:
    """The one line with which examples are refused."""
    with pytest.raises(ModelFileError) as raised:
        read_examples(folder)
    message = str(raised.value)
    assert str(folder / EXAMPLES_FILE) in message
    assert "teach the model again" in message
    assert "\n" not in message
    return message


def assert_same(one: Examples, other: Examples) -> None:
    for name in ("landmarks", "share", "acting", "side"):
        np.testing.assert_array_equal(getattr(one.views, name), getattr(other.views, name))
    for name in ("points", "frames", "share", "side"):
        np.testing.assert_array_equal(getattr(one.looks, name), getattr(other.looks, name))
    np.testing.assert_array_equal(one.seconds, other.seconds)
    assert (one.labels, one.clips) == (other.labels, other.clips)


def test_what_is_read_is_what_was_written(examples: Examples, tmp_path: Path) -> None:
    write_examples(tmp_path, examples)
    read = read_examples(tmp_path)
    assert_same(read, examples)
    before, after = (FewShotClassifier(e.looks, e.labels, USUAL) for e in (examples, read))
    for one, other in ((before.answer(examples.looks), after.answer(read.looks)),):
        np.testing.assert_array_equal(one.chance, other.chance)
        np.testing.assert_array_equal(one.known, other.known)
        np.testing.assert_array_equal(one.nearest, other.nearest)


def test_which_hand_it_is_survives_where_it_matters(tmp_path: Path) -> None:
    clips = [*takes(CLEAR, 2, hand="left"), *takes(CLEAR, 2, hand="right")]
    made = examples_of(clips, packaged_encoders(), hands_matter=True)
    assert made is not None
    assert set(made.looks.side.tolist()) == {LEFT, RIGHT}
    write_examples(tmp_path, made)
    read = read_examples(tmp_path)
    assert_same(read, made)
    assert_same(made.take([0, 1]).joined(made.take(range(2, len(made)))), read)


def test_names_with_any_letters_survive(examples: Examples, tmp_path: Path) -> None:
    one = examples.take([0, 1])
    odd = Examples(one.views, one.looks, ("Häkchen ✓", "a b_c-9"), ("", "x" * 300), one.seconds)
    write_examples(tmp_path, odd)
    assert_same(read_examples(tmp_path), odd)


def test_parts_of_examples_are_examples(examples: Examples) -> None:
    n = len(examples)
    assert_same(examples.take(range(4)).joined(examples.take(range(4, n))), examples)
    turned = examples.take([n - 1, 0])
    assert turned.clips == (examples.clips[-1], examples.clips[0])
    np.testing.assert_array_equal(turned.views.landmarks[1], examples.views.landmarks[0])


def test_a_clip_is_looked_at_where_something_happens() -> None:
    made = performed(np.arange(0, 4, 1 / 15), start=2.0, lasts=0.5)
    span = active_span(made)
    found = clip_view(made)
    assert found and span and span[0] > 1
    view, seconds = found
    wanted = view_of(made, *span)
    assert wanted
    np.testing.assert_array_equal(view.landmarks, wanted.landmarks)
    assert seconds == span[1] - span[0] < 2
    assert clip_view(nothing(10)) is None


def test_clips_without_a_hand_are_left_out() -> None:
    clips = [clip_of(nothing(9), "a", "none"), takes()[0], clip_of(nothing(0), "b", "empty")]
    made = examples_of(clips, packaged_encoders())
    assert made and made.clips == (takes()[0].id,)
    assert examples_of(clips[:1], packaged_encoders()) is None
    assert examples_of([], packaged_encoders()) is None


ARRAYS = ("landmarks", "share", "acting", "side", "points", "label", "clip", "seconds")
NUMBERS = ("landmarks", "share", "points", "seconds")
WRONG = {
    "missing": lambda good: None,
    "objects": lambda good: np.array([object()] * len(good), object),
    "a single value": lambda good: np.array(5),
    "too short": lambda good: good[:-1],
    "too deep": lambda good: good[..., None],
    "empty": lambda good: good[:0],
}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [(name, wrong) for name in ARRAYS for wrong in WRONG],
)
def test_an_array_that_is_not_as_it_should_be_is_refused(
    arrays: Mapping[str, Any], tmp_path: Path, name: str, wrong: str
) -> None:
    refused(store(tmp_path, arrays, **{name: WRONG[wrong](arrays[name])}))


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_is_refused(
    arrays: Mapping[str, Any], tmp_path: Path, name: str, value: float
) -> None:
    bad = arrays[name].copy()
    bad.flat[-1] = value
    assert "no sound examples" in refused(store(tmp_path, arrays, **{name: bad}))


@pytest.mark.parametrize("name", NUMBERS)
def test_text_in_the_place_of_numbers_is_refused(
    arrays: Mapping[str, Any], tmp_path: Path, name: str
) -> None:
    refused(store(tmp_path, arrays, **{name: arrays[name].astype(str)}))


def test_no_examples_at_all_are_refused(arrays: Mapping[str, Any], tmp_path: Path) -> None:
    assert "no sound examples" in refused(store(tmp_path, {k: v[:0] for k, v in arrays.items()}))


class Trap:
    """Makes a folder where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ARRAYS)
def test_nothing_is_unpickled(arrays: Mapping[str, Any], tmp_path: Path, name: str) -> None:
    trap = np.array([Trap(tmp_path / "sprung")] * 9, object)
    refused(store(tmp_path, arrays, **{name: trap}))
    assert not (tmp_path / "sprung").exists()
    pickle.loads(pickle.dumps(trap[0]))  # noqa: S301 - it is a trap
    assert (tmp_path / "sprung").exists()


def whole_file(arrays: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.99, 0.9999])
def test_half_a_file_is_refused(arrays: Mapping[str, Any], tmp_path: Path, share: float) -> None:
    data = whole_file(arrays)
    (tmp_path / EXAMPLES_FILE).write_bytes(data[: int(share * len(data))])
    refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK", b"\x93NUMPY\x01\x00", b"{}", b"\x80\x04K\x05."], ids=repr)
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / EXAMPLES_FILE).write_bytes(content)
    refused(tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    refused(tmp_path)
    refused(tmp_path / "nowhere")
    (tmp_path / EXAMPLES_FILE).mkdir()
    refused(tmp_path)


@pytest.mark.parametrize("place", ["anywhere", "in the table of contents"])
def test_a_flipped_byte_is_refused_or_changes_nothing(
    examples: Examples, arrays: Mapping[str, Any], tmp_path: Path, place: str
) -> None:
    data, chance, found = whole_file(arrays), np.random.default_rng(0), 0
    for _ in range(60):
        damaged = bytearray(data)
        at = int(chance.integers(0 if place == "anywhere" else len(data) - 600, len(data)))
        damaged[at] ^= 2 ** int(chance.integers(1, 8))  # not the bit of encrypted files: see below
        (tmp_path / EXAMPLES_FILE).write_bytes(bytes(damaged))
        try:
            read = read_examples(tmp_path)
        except ModelFileError as error:
            assert EXAMPLES_FILE in str(error)
            found += 1
        else:
            assert_same(read, examples)
    assert found > 5


def test_a_file_that_says_it_is_encrypted_is_refused(arrays: Mapping[str, Any], tmp_path: Path) -> None:
    data = bytearray(whole_file(arrays))
    for mark, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.index(mark) + flags] |= 1
    (tmp_path / EXAMPLES_FILE).write_bytes(bytes(data))
    refused(tmp_path)


def header(shape: str, version: int = 1) -> bytes:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2 if version == 1 else 4, "little") + text


def store_raw(folder: Path, arrays: Mapping[str, Any], landmarks: bytes) -> Path:
    with zipfile.ZipFile(folder / EXAMPLES_FILE, "w") as archive:
        for name, value in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, value)
            archive.writestr(f"{name}.npy", landmarks if name == "landmarks" else buffer.getvalue())
    return folder


@pytest.mark.parametrize(
    "shape",
    [
        "(536870912,)",
        "(3, 32, 2, 21, 3)",
        "(-3,)",
        "(1.5,)",
        "'text'",
        pytest.param(
            "(1000000000000000,)",
        ),
        pytest.param(
            "(99999999999999999999999,)",
        ),
    ],
)  # fmt: skip
def test_a_header_that_lies_is_refused(arrays: Mapping[str, Any], tmp_path: Path, shape: str) -> None:
    refused(store_raw(tmp_path, arrays, header(shape) + b"\0" * 64))


@pytest.mark.parametrize(
    "version",
    [
        pytest.param(
            1,
        ),
        3,
    ],
)
def test_a_header_that_is_no_header_is_refused(
    arrays: Mapping[str, Any], tmp_path: Path, version: int
) -> None:
    refused(store_raw(tmp_path, arrays, header("(3,", version) + b"\0" * 64))


def test_more_than_a_gigabyte_is_refused_before_it_is_unpacked(
    arrays: Mapping[str, Any], tmp_path: Path
) -> None:
    store(tmp_path, arrays)
    path = tmp_path / EXAMPLES_FILE
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02")  # the last file of the table of contents
    data[entry + 24 : entry + 28] = (2 << 30).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    assert "more than the 1024 MB allowed" in refused(tmp_path)


# The encoders that come with handflow


def test_the_packaged_encoders_give_unit_vectors_for_either_question(examples: Examples) -> None:
    points = examples.looks.points
    half = points.shape[2] // 2
    there = examples.looks.share > 0
    for part in (points[..., :half], points[..., half:]):
        np.testing.assert_allclose(np.linalg.norm(part[there], axis=-1), 1, atol=1e-3)
    assert packaged_encoders() is packaged_encoders()


def test_the_packaged_card_fits_this_handflow() -> None:
    card = read_card(packaged_folder())
    assert card["few_shot_version"] == FEW_SHOT_VERSION
    assert card["parameters"] > 0
    usual = packaged_usual()
    assert usual == packaged_usual(packaged_folder())
    assert list(usual.weights) == card["usual"]["weights"]


@pytest.mark.parametrize(
    ("card", "named"),
    [
        (None, "missing or damaged"),
        ("{", "missing or damaged"),
        ("[1]", "missing or damaged"),
        ("{}", "missing or damaged"),
        (json.dumps({"few_shot_version": FEW_SHOT_VERSION + 1}), "handflow pretrain"),
        pytest.param(
            json.dumps({"few_shot_version": FEW_SHOT_VERSION}),
            "missing or damaged",
        ),
    ],
)
def test_a_card_that_does_not_fit_is_one_clear_line(tmp_path: Path, card: str | None, named: str) -> None:
    if card is not None:
        (tmp_path / CARD_FILE).write_text(card)
    with pytest.raises(ModelFileError, match=named) as raised:
        packaged_usual(tmp_path)
    assert str(tmp_path / CARD_FILE) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_reading_is_silent(arrays: Mapping[str, Any], tmp_path: Path) -> None:
    shutil.copy(packaged_folder() / CARD_FILE, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_examples(store(tmp_path, arrays))
        packaged_usual(tmp_path)
