"""Teaching a model folder: of whatever clips, it is whole and works, or one clear line says why not."""

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from handflow.data import Dataset
from handflow.errors import TrainingError
from handflow.evaluate.facts import data_fingerprint
from handflow.recognize import load_recognizer, read_model_info
from handflow.recognize.few_shot.examples import EXAMPLES_FILE, STROKES_FILE, read_examples
from handflow.recognize.few_shot.packaged import ENCODERS_FILE, packaged_folder
from handflow.recognize.few_shot.teacher import Teacher
from handflow.recognize.model_folder import INFO_FILE, NETWORK_FILE
from handflow.teach import Taught, TeachConfig, advise, teach_model
from handflow.teach import folder as folder_module
from handflow.teach import memory as memory_module
from handflow.teach.memory import FewShotMemory
from handflow.teach.strokes import stroke_windows
from handflow.types import BACKGROUND, Clip, HandSequence
from teach.few_shot_samples import CLEAR, clip_of, nothing, performed, sequence, stay, takes


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    return teach_model(takes(people=(5, 9)), tmp_path_factory.mktemp("models"), notes=["From a test."])


def blank(clip: Clip) -> Clip:
    return replace(clip, sequence=nothing(len(clip.sequence), 15))


def cut(clip: Clip, frames: int) -> Clip:
    """The frames in the middle of a clip in which a hand is seen."""
    s = clip.sequence.measured()
    seen = np.flatnonzero(s.seen.any(axis=1))
    kept = seen[len(seen) // 2 - frames // 2 :][:frames]
    part = HandSequence(s.landmarks[kept], s.timestamps[kept], s.handedness[kept], s.presence[kept])
    return replace(clip, sequence=part)


def half_seen(clip: Clip) -> Clip:
    marks = clip.sequence.landmarks.copy()
    marks[1::2] = np.nan
    return replace(clip, sequence=sequence(marks, clip.sequence.timestamps))


# What lies in the folder


def test_the_folder_holds_all_that_running_it_needs(taught: Taught) -> None:
    folder, clips = taught.folder, takes(people=(5, 9))
    files = {path.name for path in folder.iterdir()} - {"confusion.png"}  # needs matplotlib
    assert files == {NETWORK_FILE, INFO_FILE, EXAMPLES_FILE, STROKES_FILE, "report.html", "result.json"}
    assert (folder / NETWORK_FILE).read_bytes() == (packaged_folder() / ENCODERS_FILE).read_bytes()
    examples = read_examples(folder)
    assert examples.clips == tuple(clip.id for clip in clips)
    assert examples.labels == tuple(clip.label for clip in clips)
    info = read_model_info(folder)
    assert (info.kind, info.labels) == ("few-shot", (*sorted(CLEAR), BACKGROUND))
    assert info.trained_clips == dict.fromkeys(CLEAR, 6)
    assert info.data_fingerprint == data_fingerprint(list(clips))
    assert info.background == "derived"
    assert info.thresholds.keys() == info.gesture_seconds.keys() == set(CLEAR)
    assert all(0.2 <= seconds < 1.5 for seconds in info.gesture_seconds.values())
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]


def test_its_name_and_its_evaluation_are_those_of_takes_left_out(taught: Taught) -> None:
    info, advice = read_model_info(taught.folder), taught.advice
    assert info.evaluation.accuracy is not None
    assert info.evaluation.accuracy.mean == pytest.approx(advice.expected)
    assert (info.evaluation.clips, info.evaluation.held_out) == (advice.tested, "clip") == (18, "clip")
    date, _, kind, loss, accuracy = taught.folder.name.split("_")
    assert (len(date), kind) == (10, "few-shot")
    assert float(loss.removeprefix("loss")) == pytest.approx(info.evaluation.loss, abs=1e-3)
    assert float(accuracy.removeprefix("acc")) == pytest.approx(advice.expected, abs=1e-3)


def test_notes_and_advice_stand_in_the_report(taught: Taught) -> None:
    notes = read_model_info(taught.folder).notes
    assert notes[0] == "From a test."
    assert any(f"no '{BACKGROUND}' clips" in note for note in notes)
    page = (taught.folder / "report.html").read_text(encoding="utf-8")
    for line in (*taught.advice.sentences(), "From a test."):
        assert line[:60] in page


def test_advice_is_that_of_the_teacher_in_memory(taught: Taught) -> None:
    clips, teacher = takes(people=(5, 9)), Teacher()
    teacher.add(clips)
    assert teacher.examples is not None
    told = advise(teacher.classifier(), teacher.examples.clips, [clip.subject for clip in clips])
    assert told.document() == taught.advice.document()
    assert told.for_new_people is not None


def test_models_of_the_same_second_lie_beside_each_other(tmp_path: Path) -> None:
    folders = [teach_model(takes(CLEAR, 2), tmp_path).folder for _ in range(3)]
    assert len(set(folders)) == 3
    assert {path.name for path in tmp_path.iterdir()} == {folder.name for folder in folders}
    for folder in folders:
        assert load_recognizer(folder).classify(takes()[0]).argmax() == 0


def test_nothing_is_left_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder_module, "write_report", full)
    with pytest.raises(OSError, match="No space"):
        teach_model(takes(), tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_the_same_clips_give_the_same_model(taught: Taught, tmp_path: Path) -> None:
    again = teach_model(takes(people=(5, 9)), tmp_path, notes=["From a test."]).folder
    documents = [json.loads((f / INFO_FILE).read_text()) for f in (taught.folder, again)]
    for document in documents:
        del document["created"]
    assert documents[0] == documents[1]


# Odd clips


@pytest.mark.parametrize(
    ("choose", "message"),
    [
        (list, "no clips to teach.*handflow record"),
        (lambda: [blank(clip) for clip in takes()], "none of the 9 clips shows a hand.*handflow check"),
        (
            lambda: [replace(clip, label=BACKGROUND) for clip in takes()],
            "all clips are of 'background'.*record a gesture",
        ),
        (
            lambda: [blank(clip) if clip.label == "hand_right" else clip for clip in takes()],
            "no clip of 'hand_right' shows a hand.*record it again, or delete it",
        ),
        (
            lambda: [blank(takes()[0]), *takes((BACKGROUND,), 2)],
            "all clips are of 'background'|'hand_left' shows a hand",
        ),
    ],
    ids=[
        "no clips",
        "no hand anywhere",
        "idle hands",
        "a gesture without hands",
        "hands only where they idle",
    ],
)
def test_what_cannot_be_taught_is_one_clear_line(
    choose: Callable[[], list[Clip]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=message) as raised:
        teach_model(choose(), tmp_path / "models")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "models").exists()


ODD: dict[str, Callable[[], Iterable[Clip]]] = {
    "one take": lambda: takes()[:1],
    "one gesture": lambda: takes()[:3],
    "one take of each": lambda: takes(CLEAR, 1),
    "one take of one and idle hands": lambda: [takes()[0], *takes((BACKGROUND,), 2)],
    "two frames": lambda: [cut(clip, 2) for clip in takes()],
    "one frame": lambda: [cut(clip, 1) for clip in takes()],
    "a hand in every other frame": lambda: [half_seen(clip) for clip in takes()],
    "some without a hand": lambda: [*takes()[1:], blank(takes()[0])],
    "uneven": lambda: [*takes()[:4], *takes()[6:7]],
    "idle hands": lambda: takes((*CLEAR, BACKGROUND), 2),
    "five frames a second": lambda: takes(CLEAR, 2, fps=5),
    "sixty frames a second": lambda: takes(CLEAR, 2, fps=60),
    "left hands": lambda: takes(CLEAR, 2, hand="left"),
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("hands_matter", [False, True])
def test_odd_clips_make_a_model_that_knows_them(kind: str, hands_matter: bool, tmp_path: Path) -> None:
    clips = list(ODD[kind]())
    made = teach_model(clips, tmp_path, TeachConfig(hands_matter=hands_matter))
    recognizer = load_recognizer(made.folder)
    info = recognizer.info
    assert info.hands_matter == hands_matter
    assert info.few_shot is not None
    assert all(0.3 <= window <= 4 for window in info.few_shot.windows)
    shown = [clip for clip in clips if clip.sequence.seen.any()]
    for clip in shown:
        chance = recognizer.classify(clip)
        assert recognizer.labels[int(chance.argmax())] == clip.label
        assert chance.sum() == pytest.approx(1)
    assert len(made.advice.sentences()) >= 1
    assert made.advice.examples == len(shown)
    json.dumps(made.advice.document(), allow_nan=False)


def test_a_single_gesture_is_told_as_such(tmp_path: Path) -> None:
    made = teach_model(list(ODD["one gesture"]()), tmp_path)
    info = read_model_info(made.folder)
    assert info.labels == ("hand_left", BACKGROUND)
    assert any("Only 'hand_left' was taught" in note for note in info.notes)


def test_single_takes_have_no_evaluation(tmp_path: Path) -> None:
    made = teach_model(list(ODD["one take of each"]()), tmp_path)
    info = read_model_info(made.folder)
    assert (info.evaluation.accuracy, info.evaluation.loss, info.evaluation.clips) == (None, None, 0)
    assert "nothing could be left out" in info.evaluation.note
    assert made.folder.name.endswith("_few-shot")
    assert (made.folder / "report.html").is_file()
    assert not (made.folder / "confusion.png").exists()
    assert "nothing can be left out" in made.advice.sentences()[0]


def test_clips_without_a_hand_are_named_and_noted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        made = teach_model(list(ODD["some without a hand"]()), tmp_path)
    assert takes()[0].id in caplog.text
    assert "1 of 9 clips" in caplog.text
    info = read_model_info(made.folder)
    assert sum(info.trained_clips.values()) == 8
    assert any("1 clips show no hand" in note for note in info.notes)
    assert info.data_fingerprint == data_fingerprint(list(takes()[1:]))


# Windows and hands


@pytest.mark.parametrize(
    ("seconds", "windows"),
    [
        ([1.0], (1.0,)),
        ([1.0, 1.1, 1.2], (1.1,)),
        ([0.5, 0.5, 2.0, 2.0], (0.5, 2.0)),
        ([0.0, 0.01], (0.3,)),
        ([30.0], (4.0,)),
        ([0.1, 0.1, 60.0, 60.0], (0.3, 4.0)),
        ([1.0] * 20 + [9.0], (1.0,)),
    ],
)
def test_windows_last_as_long_as_usual_strokes(seconds: list[float], windows: tuple[float, ...]) -> None:
    assert stroke_windows(np.array(seconds, np.float32)) == pytest.approx(windows)


def test_long_and_short_gestures_get_a_window_each(tmp_path: Path) -> None:
    def made(lasts: float, path, label: str, number: int) -> Clip:
        times = np.arange(0, lasts + 2.0, 1 / 15)
        hand = performed(times, path, start=1.0, lasts=lasts, curl=(0, 0.1 * number)).landmarks
        noise = np.random.default_rng(number).normal(0, 0.2, hand.shape)
        return clip_of(sequence(hand + noise, times), label, f"{label}-{number}")

    quick = [made(0.3, lambda u: np.outer(u, [150.0, 0]), "quick", n) for n in range(3)]
    slow = [made(2.5, lambda u: np.outer(u, [0, 200.0]), "slow", n) for n in range(3)]
    info = read_model_info(teach_model([*quick, *slow], tmp_path).folder)
    assert info.few_shot is not None
    short, long = info.few_shot.windows
    assert short < 1.6
    assert long > 2.4
    assert info.window_seconds == long
    assert info.gesture_seconds["quick"] < 0.7
    assert info.gesture_seconds["slow"] > 1.7


def test_idle_hands_have_no_say_about_windows(tmp_path: Path) -> None:
    hold = clip_of(performed(np.arange(0, 4, 1 / 15), stay), BACKGROUND, "idle")
    with_idle = read_model_info(teach_model([*takes(), hold], tmp_path / "a").folder)
    without = read_model_info(teach_model(takes(), tmp_path / "b").folder)
    assert with_idle.few_shot and without.few_shot
    assert with_idle.few_shot.windows == without.few_shot.windows


def test_a_wished_window_is_used(tmp_path: Path) -> None:
    info = read_model_info(teach_model(takes(), tmp_path, TeachConfig(window_seconds=0.9)).folder)
    assert info.few_shot is not None
    assert (info.few_shot.windows, info.window_seconds) == ((0.9,), 0.9)


@pytest.mark.parametrize("seconds", [0.39, 4.1, -1.0, float("nan"), float("inf")])
def test_a_window_that_cannot_be_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match=r"expected 0\.4 to 4"):
        TeachConfig(window_seconds=seconds)


@pytest.mark.parametrize("matter", [False, True])
def test_the_datasets_word_on_hands_is_used(matter: bool, tmp_path: Path) -> None:
    Dataset.create(tmp_path / "data", hands_matter=matter)
    made = teach_model(takes(), tmp_path / "models", dataset=tmp_path / "data")
    assert read_model_info(made.folder).hands_matter == matter


# The memory of protocols


def test_a_memory_tells_what_a_teacher_would() -> None:
    clips, teacher, memory = takes(), Teacher(), FewShotMemory()
    for some in (clips[::2], clips[1:], takes(CLEAR, 2)):
        teacher.reset()
        teacher.add(some)
        told, classifier = memory.teach(some), teacher.classifier()
        assert [told(clip) for clip in some] == [clip.label for clip in some]
        for clip in takes(people=(9,)):
            other = Teacher()
            other.add([clip])
            assert other.examples is not None
            chance = classifier.answer(other.examples.looks).chance[0]
            assert told(clip) == classifier.gestures[int(chance.argmax())]


def test_a_memory_looks_at_each_clip_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    look = memory_module.examples_of

    def counted(clips, *args, **kwargs):
        looked.extend(clip.id for clip in clips)
        return look(clips, *args, **kwargs)

    monkeypatch.setattr(memory_module, "examples_of", counted)
    memory = FewShotMemory()
    for some in (takes()[::2], takes()):
        told = memory.teach(some)
        assert [told(clip) for clip in takes()][::2] == [clip.label for clip in takes()[::2]]
    assert sorted(looked) == sorted(clip.id for clip in takes())


def test_a_memory_tells_nothing_of_a_clip_without_a_hand() -> None:
    told = FewShotMemory().teach([*takes(), blank(takes()[0])])
    assert told(blank(takes()[3])) is None
    assert told(takes()[3]) == takes()[3].label
    with pytest.raises(ValueError):
        FewShotMemory().teach([blank(takes()[0])])
