"""Training: the only room with torch. Needs the extra 'train'."""

from handflow.train.config import ImageConfig, TrainConfig
from handflow.train.models import MODELS, check_config, train_model, usable_clips
from handflow.train.presets import configured

__all__ = [
    "MODELS",
    "ImageConfig",
    "TrainConfig",
    "check_config",
    "configured",
    "train_model",
    "usable_clips",
]
