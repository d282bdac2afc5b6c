"""What all tests share: the hand models, a model and a video of gestures, a log of events of their own."""

import importlib.util
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from handflow.errors import ModelFileError
from handflow.hands import HandModels, find_hand_models
from needs import DIRECTIONS, need


@pytest.fixture(scope="session", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Events of tests do not go to the event log of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDFLOW_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def hand_models() -> HandModels:
    """The real hand models, fetched once; the test is skipped where they cannot be had."""
    try:
        return find_hand_models(quiet=True)
    except ModelFileError as error:
        need(False, f"the hand models are not here: {error}")
        raise


@pytest.fixture(scope="session")
def lite_models() -> HandModels:
    """The palm detector and the lite landmark model; the test is skipped where they cannot be had."""
    try:
        return find_hand_models(model="lite", quiet=True)
    except ModelFileError as error:
        need(False, f"the lite hand model is not here: {error}")
        raise


@pytest.fixture(scope="session")
def directions_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of the four directions, trained briefly on landmarks of virtual persons."""
    need(importlib.util.find_spec("torch"), "torch is not installed: run `handflow doctor`")
    from handflow.synth.clips import landmark_clips
    from handflow.synth.person import random_person
    from handflow.train import TrainConfig, train_model

    persons = [random_person(500 + k) for k in range(6)]
    clips = list(landmark_clips((*DIRECTIONS, "background"), persons, 3, 0, fps=15, seconds=1.5))
    return train_model(clips, TrainConfig(epochs=15, idle_minutes=5), tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def directions_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short rendered video of an unseen virtual person who makes gestures."""
    from handflow.capture import VideoWriter
    from handflow.synth.person import random_person
    from handflow.synth.render import render_frames
    from handflow.synth.streams import make_stream

    path = tmp_path_factory.mktemp("video") / "stream.mp4"
    scene = make_stream(DIRECTIONS, random_person(601), 1, seconds=9.0, fps=15, substeps=None).scene
    with VideoWriter(path, (320, 240), 15) as video:
        for frame in render_frames(scene):
            video.write(frame.image, frame.timestamp)
    return path


@pytest.fixture
def hangup_counts() -> Iterator[None]:
    """SIGHUP ends processes meanwhile, as in a terminal, also where the tests run under nohup."""
    number = getattr(signal, "SIGHUP", None)
    if number is None:
        yield
        return
    before = signal.signal(number, signal.SIG_DFL)
    yield
    signal.signal(number, before)
