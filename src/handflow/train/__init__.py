"""Training: the only room with torch. Needs the extra 'train'."""

from handflow.train.config import TrainConfig
from handflow.train.models import MODELS, check_config, train_model, usable_clips

__all__ = ["MODELS", "TrainConfig", "check_config", "train_model", "usable_clips"]
