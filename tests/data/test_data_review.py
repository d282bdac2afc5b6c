"""The review page: every clip on it, safe to open, drawn from pictures or landmarks."""

import base64
import errno
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from data_samples import clip, make_dataset, pictures
from handflow.data import Dataset
from handflow.data.review import apply_changes, write_review
from handflow.data.sprites import GROUND, STEPS, strip_of
from handflow.errors import DatasetError


def decoded(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_holds_every_clip_and_what_was_found(tmp_path):
    dataset = make_dataset(tmp_path / "ds", gestures=("left", "right", "up"))
    dataset.add_frames("wave", pictures(8), id="photo")
    dataset.relabel("left-3", "up")
    told = []
    file = write_review(tmp_path / "ds", progress=lambda *news: told.append(news))
    text = file.read_text(encoding="utf-8")
    assert file == tmp_path / "ds/review.html"
    page = Page(text)
    assert page.open == []
    assert len(re.findall(r'class="play"', text)) == 19
    for entry in dataset.entries():
        assert f"<b>{entry.id}</b>" in text
    assert len(re.findall(r'class="card warn"', text)) == 1
    assert "looks like &#x27;left&#x27;" in text
    assert "no landmarks yet" in text
    assert told[-1][:2] == (19, 19)
    for data in re.findall(r"base64,([^)]*)", text):
        assert decoded(base64.b64decode(data)).shape[1] % STEPS == 0
    assert not [v for _, attrs in page.tags for k, v in attrs.items() if k in ("src", "href")], (
        "self-contained"
    )


def test_names_from_outside_are_text_on_the_page(tmp_path):
    dataset = Dataset.create(tmp_path / "<i>")
    dataset.add(clip("a", "left", subject="<script>alert(1)</script>", session='"onload="x'))
    (dataset.path / "clips/<b>bad<").mkdir()
    text = write_review(dataset.path).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<i>" not in text
    assert "&lt;script&gt;" in text
    assert "&lt;b&gt;bad" in text


def test_pictures_show_the_hand_and_move(tmp_path):
    dataset = Dataset.create(tmp_path / "ds")
    jpeg, (width, height) = strip_of(dataset, dataset.add(clip("a", "right", (1.0, 0.0))))
    steps = decoded(jpeg).reshape(height, STEPS, width, 3).swapaxes(0, 1).astype(int)
    drawn = np.abs(steps - np.array(GROUND)).sum(axis=-1) > 90
    assert (drawn.mean(axis=(1, 2)) > 0.01).all()
    middle = [np.flatnonzero(d.any(axis=0)).mean() for d in drawn]
    assert (np.diff(middle) > 0).all(), "the hand goes right, unmirrored"


def test_strips_of_pictures_show_them_in_order(tmp_path):
    dataset = Dataset.create(tmp_path / "ds")
    entry = dataset.add_frames("wave", pictures(8))
    jpeg, (width, height) = strip_of(dataset, entry)
    steps = decoded(jpeg).reshape(height, STEPS, width, 3).swapaxes(0, 1)
    bright = [(s[height // 2, :, 0] > 110).mean() for s in steps]
    assert bright[0] == pytest.approx(1 / 8, abs=0.03)
    assert bright[-1] == pytest.approx(1, abs=0.03)
    assert (np.diff(bright) >= 0).all()


@pytest.mark.parametrize("scale", [0.001, 1, 50])
def test_landmarks_of_any_unit_are_drawn(tmp_path, scale):
    original = clip("a")
    landmarks = original.sequence.landmarks * np.float32(scale) - np.float32(3 * scale)
    sequence = type(original.sequence)(
        landmarks, original.sequence.timestamps, original.sequence.handedness, original.sequence.presence
    )
    dataset = Dataset.create(tmp_path / "ds")
    entry = dataset.add(type(original)("a", "left", sequence, (1, 1) if scale != 1 else (640, 480)))
    strip = decoded(strip_of(dataset, entry)[0]).astype(int)
    assert 0.005 < (np.abs(strip - np.array(GROUND)).sum(axis=-1) > 90).mean() < 0.5


def test_clips_without_a_hand_or_with_damage_do_not_stop_the_page(tmp_path):
    dataset = make_dataset(tmp_path / "ds")
    dataset.add(clip("nothing", "left", missing=1.0))
    dataset.add(clip("single", "left", frames=1))
    (dataset.find("left-1").path / "landmarks.npz").write_bytes(b"")
    (dataset.find("left-2").path / "clip.json").write_bytes(b"")
    text = write_review(dataset.path, tmp_path / "out" / "page.html").read_text(encoding="utf-8")
    assert "cannot be shown" in text
    assert "<b>left-2</b>: clip.json" in text


def test_a_full_disk_keeps_the_old_page(tmp_path, monkeypatch):
    dataset = make_dataset(tmp_path / "ds")
    write_review(dataset.path)
    before = (dataset.path / "review.html").read_bytes()
    replace = Path.replace

    def full(self, target):
        if Path(target).suffix == ".html":
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_review(dataset.path)
    assert (dataset.path / "review.html").read_bytes() == before
    assert not list(dataset.path.glob(".partial*"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"delete": ["left-0", "ghost"]}, "no clip 'ghost'"),
        ({"delete": ["left-0"], "relabel": ["left-1=sideways"]}, r"no gesture 'sideways' .*left, right"),
        ({"delete": ["left-0"], "relabel": ["left-1"]}, "write ID=GESTURE"),
        ({"delete": ["left-0"], "relabel": ["left-0=right"]}, "named twice"),
        ({"relabel": ["left-0=../evil"], "new": True}, "cannot name a gesture"),
        ({"delete": ["../../precious"]}, "no clip"),
        ({"delete": [""]}, "no clip ''"),
    ],
)
def test_changes_are_done_together_or_not_at_all(tmp_path, changes, message):
    dataset = make_dataset(tmp_path / "ds")
    (tmp_path / "precious").mkdir()
    with pytest.raises(DatasetError, match=message):
        apply_changes(dataset, **changes)
    assert len(dataset.entries()) == 12
    assert (tmp_path / "precious").is_dir()


def test_background_is_always_a_gesture(tmp_path):
    dataset = make_dataset(tmp_path / "ds")
    assert apply_changes(dataset, relabel=["left-0=background"]) == ["'left-0' is now 'background'"]
    assert "background" in dataset.gestures
