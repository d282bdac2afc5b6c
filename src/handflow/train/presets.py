"""What suits each kind of model: the values that `handflow train` starts from."""

from dataclasses import fields, replace
from typing import Any

from handflow.errors import TrainingError
from handflow.train.config import ImageConfig, TrainConfig

IMAGE_MODELS = ("lrcn", "convlstm")
DEFAULT, ARTICLE = "default", "article"


def _article(model: str) -> TrainConfig:
    """The article's own: batch 4, Adam, 70 epochs, patience 10, pictures of 120×160, split 64/16/20."""
    return TrainConfig(
        model=model,
        epochs=70,
        patience=10,
        batch=4,
        optimizer="adam",
        averaging=False,
        learning_rate=1e-3,
        weight_decay=0.0,
        label_smoothing=0.0,
        validation_share=0.2,  # of the 80 % that are left
        test_share=0.2,
        images=ImageConfig(
            input="full",
            frames=8,
            height=120,
            width=160,
            whole_clip=True,
            draws=1,
            norm_momentum=0.99,
            gate_activation="hard_sigmoid",
            article_augmentation=True,
        ),
    )


def _images(model: str) -> TrainConfig:
    return TrainConfig(model=model, epochs=32, patience=15, batch=4, learning_rate=1e-3, weight_decay=0.01)


def configured(model: str, preset: str = DEFAULT, **changes: Any) -> TrainConfig:
    """The configuration of a kind of model.

    Args:
        model: a name in `train.MODELS`.
        preset: "default", or "article" for the networks of the article.
        changes: fields of `TrainConfig` or of its `images` that differ; None leaves a field as it is.

    Raises:
        TrainingError: there is no such preset for this kind of model.
        ValueError: a value is out of range.
    """
    if preset not in (DEFAULT, ARTICLE):
        raise TrainingError(f"no preset '{preset}': choose {DEFAULT} or {ARTICLE}")
    if preset == ARTICLE and model not in IMAGE_MODELS:
        raise TrainingError(f"the article has no model '{model}': --preset article goes with {_either()}")
    if model in IMAGE_MODELS:
        config = _article(model) if preset == ARTICLE else _images(model)
    else:
        config = TrainConfig(model=model, label_smoothing=0.02)  # scores must mean what they say
    given = {name: value for name, value in changes.items() if value is not None}
    inner = {f.name for f in fields(ImageConfig)}
    of_images = {name: given.pop(name) for name in list(given) if name in inner}
    if of_images and model not in IMAGE_MODELS:
        raise TrainingError(
            f"--{next(iter(of_images))} is for models that look at pictures: --model {_either()}"
        )
    if given.get("members", 1) > 1 and model in IMAGE_MODELS:
        raise TrainingError(f"--members {given['members']} is for --model landmark: {model} is one network")
    return replace(config, images=replace(config.images, **of_images), **given)


def _either() -> str:
    return " or ".join(IMAGE_MODELS)
