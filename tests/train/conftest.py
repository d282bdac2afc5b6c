"""One model trained on clips of virtual persons, for all tests of this room."""

from pathlib import Path

import pytest

from handflow.train import TrainConfig, train_model
from handflow.types import Clip
from train.persons import persons_clips


@pytest.fixture(scope="session")
def clips() -> list[Clip]:
    return persons_clips(40, persons=4, clips=4)


@pytest.fixture(scope="session")
def model(clips: list[Clip], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_model(clips, TrainConfig(epochs=14, seed=1), tmp_path_factory.mktemp("models"))
