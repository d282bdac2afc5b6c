"""Windows of pictures for training: no clip on two sides, one draw a window, a store that is never half."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from handflow.data import Dataset
from handflow.data.layout import frame_paths
from handflow.errors import TrainingError
from handflow.hands.silhouette import draw_silhouettes
from handflow.recognize.pictures import (
    InputKind,
    PictureInput,
    landmarks_in_box,
    stored_picture,
    window_box,
    window_pictures,
)
from handflow.recognize.windows import cut_window
from handflow.synth.clips import make_clip
from handflow.synth.person import random_person
from handflow.train import picture_store
from handflow.train.config import TrainConfig
from handflow.train.fitting import Fitted, fit
from handflow.train.image_networks import LRCN, ImageNetworkConfig
from handflow.train.images import train_images
from handflow.train.memory import window_bytes, windows_at_once
from handflow.train.picture_batches import PictureBatches
from handflow.train.picture_store import PictureStore
from handflow.train.picture_windows import (
    PreparedClip,
    WindowCutter,
    WindowVariety,
    disordered,
    prepare_clips,
)
from handflow.train.presets import configured
from handflow.train.trained import TrainedNetwork
from handflow.train.vary import VaryPictures
from handflow.types import BACKGROUND, Clip, Frame, HandSequence, Image
from train.persons import persons_clips

SIZE = (160, 120)
LABELS = ("hand_left", "hand_right", BACKGROUND)
SMALL = {"frames": 4, "height": 48, "width": 64}
STILL = WindowVariety(tempo=0, shift=0, zoom=(1, 1), partial=0, disorder=0, other_room=0)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDFLOW_CACHE", str(tmp_path / "cache"))


@dataclass
class Painted:
    """Pictures of a clip in memory, which count how often they are read."""

    images: Sequence[Image]
    name: str
    reads: int = 0
    meanwhile: list[Callable[[], None]] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        return self.name

    def __iter__(self) -> Iterator[Frame]:
        self.reads += 1
        for index, image in enumerate(self.images):
            if index == len(self.images) // 2:
                for act in self.meanwhile:
                    act()
            yield Frame(image, float(index), index)


def painted(clip: Clip, image: Image | Sequence[Image]) -> Clip:
    """A clip with pictures of another size, one for all frames or one for each."""
    images = [image] * len(clip.sequence) if isinstance(image, np.ndarray) else image
    height, width = images[0].shape[:2]
    s = clip.sequence
    marks = s.landmarks * np.float32(width / clip.frame_size[0])
    moved = HandSequence(marks, s.timestamps, s.handedness, s.presence)
    return replace(clip, sequence=moved, frame_size=(width, height), frames=Painted(images, clip.id))


def plain(colour: Sequence[int]) -> Image:
    return np.full((SIZE[1], SIZE[0], 3), colour, np.uint8)


def prepared(clip: Clip, given: PictureInput) -> PreparedClip:
    paths = PictureStore(given).prepare([clip]) if given.needs_frames else None
    return prepare_clips([clip], paths)[0]


class Watched:
    """Takes the place of `fit`: looks at all batches of some epochs and learns nothing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, epochs: int = 2) -> None:
        self.epochs, self.side = epochs, ""
        self.drawn: dict[str, set[str]] = {"training": set(), "validation": set()}  # ids of clips
        self.pictures: dict[str, list[Image]] = {"training": [], "validation": []}
        self.targets: list[np.ndarray] = []
        self.varied: list[bool] = []
        self.sizes: list[int] = []
        self.options: dict[str, Any] = {}
        draw = WindowCutter.draw

        def noted(cutter: WindowCutter, clip: PreparedClip, rng: np.random.Generator) -> Any:
            if self.side:
                self.drawn[self.side].add(clip.clip.id)
            return draw(cutter, clip, rng)

        monkeypatch.setattr(WindowCutter, "draw", noted)
        monkeypatch.setattr("handflow.train.images.fit", self)

    def __call__(
        self, network: nn.Module, batches: Any, held_out: Any, config: TrainConfig, **options: Any
    ) -> Fitted:
        self.options = options
        self.side = "training"
        for _ in range(self.epochs):
            for pictures, targets, varied in batches:
                self.sizes.append(len(pictures))
                self.pictures["training"] += list(pictures.numpy())
                self.targets += list(targets.numpy())
                self.varied += varied.tolist()
        self.side = "validation"
        truth = []
        for pictures, targets in held_out:
            self.pictures["validation"] += list(pictures.numpy())
            truth.append(targets.numpy())
        self.side = ""
        targets = np.concatenate(truth)
        row = {"epoch": 1.0, "train_loss": 1.0, "val_loss": 1.0}
        return Fitted(network, 1.0, (row,), 1, 1, 1.0, False, 0.0, targets.astype(np.float32), targets)


def code(number: int) -> tuple[int, int, int]:
    """A colour for each clip."""
    return 250 - 5 * number, 5 + 5 * number, 251 if number % 2 else 3


def clips_shown(pictures: list[Image], clips: int) -> set[int]:
    """Which clips' colours windows hold: each must hold one, in the hand's pixels at least."""
    codes = np.array([code(k) for k in range(clips)])
    found = set()
    for window in pictures:
        hits = (window.reshape(-1, 1, 3) == codes).all(axis=2).sum(axis=0)
        assert hits.max() > 20
        found.add(int(hits.argmax()))
    return found


SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "article": ("article", {}),
    "article, by clip": ("article", {"validation_by": "clip"}),
    "article, masks": ("article", {"input": "mask"}),
    "full": ("default", {"input": "full"}),
    "crop": ("default", {"input": "crop", "validation_by": "clip"}),
    "crop, tested apart": ("default", {"input": "crop", "test_share": 0.2}),
    "mask": ("default", {"input": "mask"}),
}


@pytest.mark.parametrize(("preset", "changes"), SETTINGS.values(), ids=SETTINGS)
def test_no_clip_and_no_copy_of_one_is_on_two_sides(
    preset: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = [
        painted(clip, plain(code(number)))
        for number, clip in enumerate(persons_clips(40, persons=5, clips=3))
    ]
    config = configured("lrcn", preset, **SMALL, **changes)
    watched = Watched(monkeypatch)
    trained = train_images(clips, config, None, build=LRCN)
    learned, tested = ({clips[k].id for k in side} for side in (trained.learned, trained.tested))
    assert watched.drawn["training"] == learned, "all of them are drawn, and no others"
    assert watched.drawn["validation"]
    assert not watched.drawn["validation"] & learned
    assert not tested & learned
    if config.test_share:
        assert not tested & watched.drawn["validation"]
        assert trained.untouched
    else:
        assert tested == watched.drawn["validation"]
    if config.images.given.needs_frames:
        # The pixels say the same, whatever the clips are called.
        shown = {side: clips_shown(windows, len(clips)) for side, windows in watched.pictures.items()}
        assert shown["training"] == set(trained.learned)
        assert {clips[k].id for k in shown["validation"]} == watched.drawn["validation"]
    if config.validation_by != "clip":
        subjects = [{c.subject for c in clips if c.id in ids} for ids in (learned, tested)]
        assert not subjects[0] & subjects[1]


def test_the_article_learns_each_clip_once_as_it_is_and_once_varied(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = [painted(c, plain(code(k))) for k, c in enumerate(persons_clips(40, persons=5, clips=2))]
    watched = Watched(monkeypatch, epochs=1)
    trained = train_images(clips, configured("lrcn", "article", **SMALL), None, build=LRCN)
    assert sorted(watched.varied) == [False] * len(trained.learned) + [True] * len(trained.learned)


def test_the_split_of_the_article_is_64_16_20(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = persons_clips(40, persons=5, clips=10, gestures=("hand_left", "hand_right"))
    config = configured("lrcn", "article", **SMALL, input="mask", validation_by="clip")
    watched = Watched(monkeypatch, epochs=0)
    trained = train_images(clips, config, None, build=LRCN)
    assert (len(trained.learned), len(watched.drawn["validation"]), len(trained.tested)) == (64, 16, 20)


def test_the_article_preset_is_that_of_the_article() -> None:
    config = configured("convlstm", "article")
    expected = {"batch": 4, "optimizer": "adam", "epochs": 70, "patience": 10, "learning_rate": 1e-3}
    expected |= {"averaging": False, "label_smoothing": 0.0, "weight_decay": 0.0}
    assert {name: getattr(config, name) for name in expected} == expected
    assert config.images.given == PictureInput("full", 8, 120, 160)
    assert config.images.whole_clip
    assert config.images.article_augmentation
    assert configured("lrcn", "article", epochs=3, frames=6).images.frames == 6, "a wish goes before it"


@pytest.mark.parametrize("article", [True, False])
@pytest.mark.parametrize("kind", ["full", "crop"])
def test_one_draw_holds_for_all_frames_of_a_window(kind: InputKind, article: bool) -> None:
    torch.manual_seed(3)
    vary = VaryPictures(PictureInput(kind, 5, 48, 64), article=article)
    frame = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8), (5, 5), 0)
    windows = torch.from_numpy(np.broadcast_to(frame, (3, 5, 48, 64, 3)).copy())
    out = vary(windows)
    assert out.shape == windows.shape
    assert (out.min() >= 0) & (out.max() <= 1)
    for window in out:
        torch.testing.assert_close(window, window[:1].expand_as(window), atol=1e-6, rtol=0)
        assert (window[0] - windows[0, 0] / 255).abs().mean() > 0.01, "it is varied"
    assert (out[0, 0] - out[1, 0]).abs().mean() > 0.01, "each window by a draw of its own"


def test_windows_that_are_not_to_be_varied_stay_what_they_are() -> None:
    windows = torch.randint(0, 256, (3, 4, 48, 64, 3), dtype=torch.uint8)
    out = VaryPictures(PictureInput("full", 4, 48, 64), article=True)(
        windows, torch.tensor([False, True, False])
    )
    torch.testing.assert_close(out[[0, 2]], windows[[0, 2]] / 255)
    assert (out[1] - windows[1] / 255).abs().mean() > 0.01


def test_silhouettes_know_neither_light_nor_blur() -> None:
    windows = torch.randint(0, 256, (2, 4, 48, 64, 3), dtype=torch.uint8)
    torch.testing.assert_close(VaryPictures(PictureInput("mask", 4, 48, 64))(windows), windows / 255)


SIDES = {"hand_left": ((200, 10, 10), (10, 10, 200)), "hand_right": ((10, 200, 10), (200, 200, 10))}
"""Colours of the left and of the right half of a gesture's pictures."""
MIRRORED = {"hand_left": "hand_right", "hand_right": "hand_left"}
FLIPS: dict[str, tuple[str, str, dict[str, str], bool]] = {
    "default with a flip map": ("default", "full", MIRRORED, True),
    "default without": ("default", "full", {}, False),
    "default whose map names what is not there": ("default", "full", {"wave_left": "wave_right"}, False),
    "article with a flip map": ("article", "full", MIRRORED, False),
}


@pytest.mark.parametrize(("preset", "kind", "flip_map", "flipped"), FLIPS.values(), ids=FLIPS)
def test_pictures_are_mirrored_where_a_map_says_what_they_become(
    preset: str, kind: str, flip_map: dict[str, str], flipped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = []
    for clip in persons_clips(40, persons=5, clips=2, gestures=("hand_left", "hand_right")):
        picture = plain(SIDES[clip.label][0])
        picture[:, SIZE[0] // 2 :] = SIDES[clip.label][1]
        clips.append(painted(clip, picture))
    watched = Watched(monkeypatch)
    config = replace(configured("lrcn", preset, **SMALL, input=kind), flip_map=flip_map)
    trained = train_images(clips, config, None, build=LRCN)
    mirrored = 0
    for window, target in zip(watched.pictures["training"], watched.targets, strict=True):
        halves = window[:, :, :30], window[:, :, 34:]
        # How many pixels each gesture's colours have, as they were and mirrored.
        hits = {
            (label, turned): sum(
                int((half == colour).all(axis=3).sum())
                for half, colour in zip(halves, pair[::-1] if turned else pair, strict=True)
            )
            for label, pair in SIDES.items()
            for turned in (False, True)
        }
        label, turned = max(hits, key=lambda key: hits[key])
        wrong = label if turned else MIRRORED[label]
        assert target[trained.labels.index(wrong)] == 0
        mirrored += turned
    share = mirrored / len(watched.targets)
    assert 0.25 < share < 0.75 if flipped else share == 0


def test_a_mirrored_window_is_the_picture_mirrored_and_carries_the_other_label() -> None:
    given = PictureInput("full", 4, 48, 64)
    picture = np.random.default_rng(1).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    clip = prepared(painted(persons_clips(40, 1, 1)[0], picture), given)
    cutter = WindowCutter(LABELS, given, 0.8)
    (window, target), *_ = cutter.fixed(clip)
    batches = PictureBatches(
        [clip], cutter, draws=20, batch=4, flipped=[1, 0, 2], rng=np.random.default_rng(0)
    )
    seen = set()
    for pictures, targets, _ in batches:
        for one, called in zip(pictures.numpy(), targets.numpy(), strict=True):
            turned = np.array_equal(one, window[:, :, ::-1])
            assert turned or np.array_equal(one, window)
            np.testing.assert_array_equal(called, target[[1, 0, 2]] if turned else target)
            seen.add(turned)
    assert seen == {True, False}


def noise_frames(count: int, size: tuple[int, int] = (64, 48), seed: int = 0) -> list[Image]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (size[1], size[0], 3), np.uint8) for _ in range(count)]


def noise_clip(number: int = 0) -> tuple[Clip, Painted]:
    clip = persons_clips(40 + number, 1, 1)[0]
    made = painted(clip, noise_frames(len(clip.sequence), seed=number))
    frames = made.frames
    assert isinstance(frames, Painted)
    return made, frames


def test_pictures_are_decoded_once(tmp_path: Path) -> None:
    clip, frames = noise_clip()
    given = PictureInput("full", 4, 48, 64)
    first = PictureStore(given, tmp_path).prepare([clip])
    assert PictureStore(given, tmp_path).prepare([clip]) == first
    assert frames.reads == 1
    done: list[tuple[int, int]] = []
    other = PictureStore(PictureInput("full", 4, 60, 80), tmp_path).prepare(
        [clip], lambda *counts: done.append(counts)
    )
    assert other != first, "pictures of another size are others"
    assert (frames.reads, done) == (2, [(1, 1)])


@pytest.mark.parametrize("kind", ["full", "crop"])
def test_stored_pictures_are_bytes_mapped_from_disk(kind: InputKind, tmp_path: Path) -> None:
    clip, frames = noise_clip()
    given = PictureInput(kind, 4, 48, 64)
    (path,) = PictureStore(given, tmp_path).prepare([clip])
    pictures = PictureStore.open(path)
    assert isinstance(pictures, np.memmap)
    assert pictures.dtype == np.uint8
    np.testing.assert_array_equal(pictures, [stored_picture(image, given) for image in frames.images])


def test_pictures_that_changed_are_decoded_anew(tmp_path: Path) -> None:
    dataset = Dataset.create(tmp_path / "data", gestures=("hand_left",))
    source = persons_clips(40, 1, 1)[0]
    images = noise_frames(len(source.sequence))
    frames = [
        Frame(im, float(t), k)
        for k, (im, t) in enumerate(zip(images, source.sequence.timestamps, strict=True))
    ]
    entry = dataset.add(replace(source, frame_size=(64, 48)), frames)
    given = PictureInput("full", 4, 48, 64)
    store = PictureStore(given, tmp_path / "store")
    (before,) = store.prepare([dataset.load(entry)])
    assert store.prepare([dataset.load(entry)]) == [before]
    changed = frame_paths(entry.path)[3]
    encoded = cv2.imencode(changed.suffix, np.zeros((48, 64, 3), np.uint8))[1]
    changed.write_bytes(encoded.tobytes())
    (after,) = store.prepare([dataset.load(entry)])
    assert after != before
    assert PictureStore.open(before)[3].any()
    assert not PictureStore.open(after)[3].any()
    np.testing.assert_array_equal(PictureStore.open(before)[4], PictureStore.open(after)[4])


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_write_that_is_interrupted_leaves_nothing(ending: BaseException, tmp_path: Path) -> None:
    clip, frames = noise_clip()
    found: list[list[Path]] = []

    def end() -> None:
        found.append(list(tmp_path.glob("*.npy")))
        raise ending

    frames.meanwhile = [end]
    store = PictureStore(PictureInput("crop", 4, 48, 64), tmp_path)
    with pytest.raises(type(ending)):
        store.prepare([clip])
    assert found == [[]], "while it is written the final name is not there"
    assert not list(tmp_path.iterdir())
    frames.meanwhile = []
    (path,) = store.prepare([clip])
    np.testing.assert_array_equal(PictureStore.open(path), frames.images)


def test_what_was_used_longest_ago_goes_but_never_what_is_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PictureStore(PictureInput("crop", 4, 48, 64), tmp_path)
    clips = [noise_clip(k)[0] for k in range(4)]
    old, older, *_ = paths = store.prepare(clips[:3])
    one = max(path.stat().st_size for path in paths)
    for age, path in zip((200, 300, 100), paths, strict=True):
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))
    monkeypatch.setattr(picture_store, "MOST_BYTES", int(3.5 * one))
    (fourth,) = store.prepare(clips[3:])
    assert set(tmp_path.iterdir()) == {old, paths[2], fourth}, "the oldest is gone"
    # What is asked for is used now, however long ago it was made.
    monkeypatch.setattr(picture_store, "MOST_BYTES", one // 2)
    assert store.prepare([clips[0], clips[3]]) == [old, fourth]
    assert set(tmp_path.iterdir()) == {old, fourth}
    assert not older.exists()


def test_a_clip_without_pictures_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = persons_clips(40, persons=4, clips=2)
    with pytest.raises(TrainingError, match=r"landmarks alone.*--input mask, or record") as raised:
        train_images(clips, configured("lrcn", **SMALL, input="crop"), None, build=LRCN)
    assert any(clip.id in str(raised.value) for clip in clips)
    assert "\n" not in str(raised.value)


FITTING = {
    "all of it fits": (8, 100, 4_000, 8),
    "a half fits": (8, 100, 2_000, 4),
    "three fit, and parts are equal": (8, 100, 1_400, 2),
    "not even one fits": (8, 100, 0, 1),
    "a batch that cannot be shared out": (7, 100, 2_000, 1),
    "nothing is known of a window": (4, 0, 1_000, 4),
    "a batch of one": (1, 100, 10, 1),
}


@pytest.mark.parametrize(("batch", "window", "available", "expected"), FITTING.values(), ids=FITTING)
def test_parts_of_a_batch_fit_into_memory(batch: int, window: int, available: int, expected: int) -> None:
    assert windows_at_once(batch, window, available) == expected
    assert batch % expected == 0


def test_a_window_is_measured_without_a_trace() -> None:
    network = LRCN(ImageNetworkConfig(labels=3, frames=4, height=48, width=64)).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    small = window_bytes(network, torch.zeros(1, 4, 48, 64, 3, dtype=torch.uint8))
    large = window_bytes(network, torch.zeros(1, 8, 48, 64, 3, dtype=torch.uint8))
    # The first convolution's answer alone is so large, and kept.
    assert small > 4 * 48 * 64 * 16 * 4
    assert large > 1.6 * small
    assert not network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize(("free", "part"), [(1e12, 8), (2.2, 2), (0.0, 1)])
def test_a_batch_that_is_too_large_is_learned_in_parts_and_says_so(
    free: float, part: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    config = configured("lrcn", **SMALL, input="mask", batch=8)
    # Memory for so many windows, with all that a step needs besides.
    monkeypatch.setattr("handflow.train.images.window_bytes", lambda network, window: 1000)
    monkeypatch.setattr("handflow.train.images.available_bytes", lambda device: int(free * 1000 * 2.5 / 0.6))
    watched = Watched(monkeypatch, epochs=1)
    with caplog.at_level(logging.WARNING, "handflow.train.images"):
        train_images(persons_clips(40, persons=4, clips=2), config, None, build=LRCN)
    assert watched.sizes[0] == part
    assert watched.options["accumulate"] * part == config.batch
    lines = [
        record.getMessage() for record in caplog.records if "gradient accumulation" in record.getMessage()
    ]
    assert len(lines) == (part < config.batch)
    if lines:
        assert f"{config.batch // part} parts of {part}" in lines[0]


@pytest.mark.parametrize("averaging", [False, True])
def test_parts_of_a_batch_make_the_step_that_the_whole_makes(averaging: bool) -> None:
    rng = np.random.default_rng(0)
    inputs = torch.from_numpy(rng.normal(size=(24, 6)).astype(np.float32))
    targets = torch.eye(3)[torch.from_numpy(rng.integers(0, 3, 24))]

    class Parts:
        def __init__(self, size: int) -> None:
            self.parts = list(zip(inputs.split(size), targets.split(size), strict=True))

        def __len__(self) -> int:
            return len(self.parts)

        def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
            return iter(self.parts)

    def weights(size: int, accumulate: int) -> torch.Tensor:
        torch.manual_seed(0)
        network = nn.Linear(6, 3)
        config = TrainConfig(epochs=4, averaging=averaging, device="cpu", learning_rate=0.1, patience=9)
        fit(network, Parts(size), Parts(8), config, accumulate=accumulate)
        return network.weight.detach()

    torch.manual_seed(0)
    start = nn.Linear(6, 3).weight.detach()
    whole = weights(8, 1)
    assert (whole - start).abs().max() > 0.05, "something was learned"
    torch.testing.assert_close(weights(2, 4), whole, atol=1e-4, rtol=0)


SHAPES = {"as the input": (160, 120), "wide": (160, 90), "upright": (90, 160)}


@pytest.mark.parametrize("size", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("kind", ["full", "crop", "mask"])
@pytest.mark.parametrize("whole", [False, True])
def test_training_sees_what_live_recognition_sees(
    kind: InputKind, size: tuple[int, int], whole: bool
) -> None:
    given = PictureInput(kind, 4, 48, 64)
    source = persons_clips(40, 1, 1)[0]
    clip = painted(source, noise_frames(len(source.sequence), size))
    assert isinstance(clip.frames, Painted)
    stored = [stored_picture(image, given) for image in clip.frames.images]
    windows = WindowCutter(LABELS, given, 0.8, whole=whole).fixed(prepared(clip, given))
    times = clip.sequence.timestamps
    spans = [(float(times[-1]), clip.sequence.duration)] if whole else [(float(end), 0.8) for end in times]
    possible = [window_pictures(clip.sequence, stored, size, *span, given) for span in spans]
    for pictures, _ in windows:
        assert any(np.array_equal(pictures, one) for one in possible)


VARIETIES: dict[str, tuple[InputKind, dict[str, Any]]] = {
    "another tempo of crops": ("crop", {"tempo": 0.3}),
    "another tempo of masks": ("mask", {"tempo": 0.3}),
    "another tempo of whole pictures": ("full", {"tempo": 0.3}),
    "a moved box of crops": ("crop", {"shift": 0.2}),
    "a moved box of masks": ("mask", {"shift": 0.2}),
    "a larger box of crops": ("crop", {"zoom": (1.3, 1.4)}),
    "a larger box of masks": ("mask", {"zoom": (1.3, 1.4)}),
    "another room behind crops": ("crop", {"other_room": 1.0}),
    "another room behind whole pictures": ("full", {"other_room": 1.0}),
}


@pytest.mark.parametrize("variety", [None, STILL, WindowVariety()], ids=["fixed", "still", "varied"])
def test_the_last_picture_of_a_window_shows_its_hand_as_it_does_live(variety: WindowVariety | None) -> None:
    given = PictureInput("mask", 4, 48, 64)
    clip = prepared(always_seen(), given)
    cutter = WindowCutter(LABELS, given, 0.5, variety=variety)
    rng = np.random.default_rng(0)
    windows = [cutter.draw(clip, rng)[0] for _ in range(30)] + [w for w, _ in cutter.fixed(clip)]
    shown = np.array([window[-1].any() for window in windows])
    # Augmentation takes a hand out of sight now and then, as trackers lose it.
    assert shown.all() if variety is None else shown.mean() > 0.7


def always_seen() -> Clip:
    """A clip whose hand is in sight from its first frame to its last."""
    clip = make_clip("hand_left", random_person(5, hand="right"), 3, fps=15, seconds=1.4).clip
    assert clip.sequence.seen.any(axis=1).all()
    return clip


@pytest.mark.parametrize(("kind", "change"), VARIETIES.values(), ids=VARIETIES)
def test_variety_changes_pictures_and_not_what_they_are_called(
    kind: InputKind, change: dict[str, Any]
) -> None:
    given = PictureInput(kind, 4, 48, 64)
    source = always_seen()
    clip = prepared(painted(source, noise_frames(len(source.sequence), SIZE)), given)
    still = WindowCutter(LABELS, given, 0.8, variety=STILL)
    varied = WindowCutter(LABELS, given, 0.8, variety=replace(STILL, **change))
    changed = 0
    for seed in range(6):
        before, target = still.draw(clip, np.random.default_rng(seed))
        after, called = varied.draw(clip, np.random.default_rng(seed))
        assert called.tolist() == target.tolist() == [1, 0, 0]
        changed += not np.array_equal(before, after)
    assert changed >= 5


@pytest.mark.parametrize("kind", ["crop", "full"])
@pytest.mark.parametrize("size", SHAPES.values(), ids=SHAPES)
def test_another_room_keeps_the_hand_and_changes_all_else(kind: InputKind, size: tuple[int, int]) -> None:
    given = PictureInput(kind, 4, 120, 160)
    source = always_seen()
    clip = painted(source, noise_frames(len(source.sequence), size))
    ready = prepared(clip, given)
    here, there = (
        WindowCutter(LABELS, given, 0.8, whole=True, variety=replace(STILL, other_room=share)).draw(
            ready, np.random.default_rng(1)
        )[0]
        for share in (0.0, 1.0)
    )
    end, seconds = float(clip.sequence.timestamps[-1]), clip.sequence.duration
    if kind == "crop":
        box = window_box(clip.sequence, end, seconds, given)
        assert box is not None
        marks = landmarks_in_box(cut_window(clip.sequence, end, seconds, steps=given.frames), given, box)
    else:
        scale = min(given.width / size[0], given.height / size[1])
        window = cut_window(clip.sequence, end, seconds, steps=given.frames)
        marks = window.landmarks[0] * np.float32(scale)
        marks += np.array([(given.width - size[0] * scale) / 2, (given.height - size[1] * scale) / 2, 0])
        marks[window.known[0] == 0] = np.nan
    hands = np.stack([draw_silhouettes(one, (given.width, given.height)) for one in marks])
    disc = np.ones((5, 5), np.uint8)
    inside = np.stack([cv2.erode(hand, disc) > 254 for hand in hands])
    outside = np.stack([cv2.dilate(hand, disc) == 0 for hand in hands])
    assert inside.any(axis=(1, 2)).all()
    assert np.abs(here[inside].astype(int) - there[inside]).max() <= 1
    assert (here[outside] != there[outside]).any(axis=1).mean() > 0.9
    everywhere = outside.all(axis=0)
    assert (there[:, everywhere] == there[:1, everywhere]).all(), "one room for all frames"


@pytest.mark.parametrize("seed", range(8))
def test_disorder_is_never_the_order_that_it_was(seed: int) -> None:
    frames = np.arange(12, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    mixed = disordered(frames, np.random.default_rng(seed))[:, 0, 0, 0]
    still = len(set(mixed.tolist())) == 1
    assert still or sorted(mixed.tolist()) == list(range(12))
    assert mixed.tolist() != list(range(12))


@pytest.mark.parametrize(("derive", "calm"), [(True, True), (False, False)])
def test_where_no_background_was_recorded_disorder_is_background(derive: bool, calm: bool) -> None:
    given = PictureInput("mask", 6, 48, 64)
    clip = prepared(persons_clips(40, 1, 1, ("hand_left",))[0], given)
    cutter = WindowCutter(LABELS, given, 0.8, derive=derive, variety=replace(STILL, disorder=1.0))
    _, target = cutter.draw(clip, np.random.default_rng(0))
    assert target.tolist() == ([0, 0, 1] if calm else [1, 0, 0])


def test_a_part_of_a_gesture_is_called_so_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    given = PictureInput("mask", 4, 48, 64)
    clip = prepared(persons_clips(40, 1, 1, ("hand_left",))[0], given)
    cutter = WindowCutter(LABELS, given, 0.5, variety=replace(STILL, partial=1.0))
    rng = np.random.default_rng(0)
    targets = np.stack([cutter.draw(clip, rng)[1] for _ in range(60)])
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    assert (targets[:, 1] == 0).all()
    assert {0.0, 1.0} <= set(targets[:, 0].tolist())


def test_without_background_clips_a_whole_clip_model_doubts(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = persons_clips(40, persons=5, clips=2, gestures=("hand_left", "hand_right"))
    Watched(monkeypatch, epochs=1)
    trained: TrainedNetwork = train_images(
        clips, configured("lrcn", "article", **SMALL, input="mask"), None, build=LRCN
    )
    assert trained.background == "doubt"
    assert trained.labels == ("hand_left", "hand_right", BACKGROUND)
    with torch.no_grad():
        answers = trained.network(trained.examples)
    assert answers.shape[1] == 3
    torch.testing.assert_close(answers.sum(dim=1), torch.ones(len(answers)))
