"""Folders of images: natural order, assumed rate, damaged images named."""

import random

import cv2
import numpy as np
import pytest
from capture_fakes import numbered
from hypothesis import given
from hypothesis import strategies as st

from handflow.capture.folder import FolderSource, list_images, natural_key, read_image
from handflow.errors import SourceError


def save(path, image):
    good, content = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert good
    path.write_bytes(content.tobytes())
    return path


@pytest.fixture
def frames(tmp_path):
    for number in (9, 10, 1, 100):
        save(tmp_path / f"frame{number}.png", numbered(number))
    return tmp_path


def test_frame10_comes_after_frame9(frames):
    (frames / "notes.txt").write_text("no image")
    (frames / "._frame1.png").write_bytes(b"a shadow file of macOS")
    assert [p.name for p in list_images(frames)] == [
        "frame1.png",
        "frame9.png",
        "frame10.png",
        "frame100.png",
    ]
    with FolderSource(frames) as source:
        assert [f.image[40, 40, 0] for f in source] == [n % 25 * 10 for n in (1, 9, 10, 100)]


@given(st.lists(st.text("aB10٣²._-/é", max_size=8), max_size=12))
def test_natural_order_is_total_and_does_not_depend_on_the_start(names):
    shuffled = random.Random(0).sample(names, len(names))
    assert sorted(names, key=natural_key) == sorted(shuffled, key=natural_key)


@given(
    st.text(st.characters(exclude_categories=["Nd", "No", "Cs"]), max_size=5),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
)
def test_numbers_in_names_sort_by_value(prefix, a, b):
    assert (natural_key(f"{prefix}{a}.jpg") < natural_key(f"{prefix}{b}.jpg")) == (a < b)


def test_times_follow_the_assumed_rate(frames):
    with FolderSource(frames, fps=20) as source:
        assert (source.fps, source.live, source.dropped, len(source)) == (20, False, 0, 4)
        assert [(f.timestamp, f.index) for f in source] == [(i / 20, i) for i in range(4)]
    with FolderSource(frames) as source:
        assert source.fps == 30


def test_pictures_are_rgb(frames):
    with FolderSource(frames) as source:
        assert tuple(next(source).image[0, 0]) == (255, 0, 0)


def test_a_limit_shrinks_pictures(frames):
    with FolderSource(frames, size=(32, 32)) as source:
        assert source.size == (32, 24) == next(source).size


def test_names_beyond_ascii_are_read(tmp_path):
    folder = tmp_path / "Gestensätze ✋"
    folder.mkdir()
    save(folder / "große Hand.jpg", numbered(3))
    with FolderSource(folder) as source:
        assert len(list(source)) == 1


def with_thumbnail(content):
    """An EXIF segment that holds a whole small JPEG, end mark and all."""
    thumbnail = b"\xff\xd8\xff\xda\x00\x02\x11\x22\xff\xd9"
    body = b"Exif\x00\x00" + thumbnail
    return content[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + content[2:]


def test_a_whole_jpeg_is_read_whatever_follows_it(tmp_path):
    content = save(tmp_path / "a.jpg", numbered(1)).read_bytes()
    (tmp_path / "a.jpg").write_bytes(with_thumbnail(content) + bytes(9000))
    assert read_image(tmp_path / "a.jpg").shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("name", "damage", "says"),
    [
        ("b.jpg", lambda c: c[: len(c) // 2], "cut off"),
        ("b.jpg", lambda c: with_thumbnail(c)[:-30], "cut off"),
        ("b.png", lambda c: c[: len(c) // 2], "cut off"),
        ("b.jpg", lambda c: b"", "empty"),
        ("b.jpg", lambda c: b"this is text, not a picture", "damaged or no image"),
        ("b.png", lambda c: c[:20] + bytes(30) + c[50:], "damaged or no image"),
    ],
    ids=["jpeg cut", "jpeg with thumbnail cut", "png cut", "empty", "text", "png header"],
)
def test_a_damaged_image_is_named(tmp_path, name, damage, says):
    save(tmp_path / "a.png", numbered(0))
    path = save(tmp_path / name, np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8))
    path.write_bytes(damage(path.read_bytes()))
    with FolderSource(tmp_path) as source:
        next(source)
        with pytest.raises(SourceError, match=says) as caught:
            next(source)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_image_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"gone\.png: No such file"):
        read_image(tmp_path / "gone.png")


def test_a_folder_without_images_says_what_was_expected(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(SourceError, match=r"no images in .*\.jpg"):
        FolderSource(tmp_path)


def test_closing_ends_the_iteration(frames):
    source = FolderSource(frames)
    next(source)
    source.close()
    source.close()
    assert list(source) == []
