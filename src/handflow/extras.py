"""Optional groups of packages: whether one is there."""

from importlib.util import find_spec

from handflow.errors import MissingExtraError

PACKAGES: dict[str, tuple[str, ...]] = {
    "train": ("torch", "lightning", "kornia", "safetensors", "onnx", "matplotlib"),
    "serve": ("starlette", "uvicorn", "websockets"),
    "studio": ("starlette", "uvicorn", "websockets", "tomlkit"),
}
"""Modules without which what an extra is for does not work at all."""


def has_extra(extra: str) -> bool:
    """Whether the packages of an extra are installed."""
    return all(find_spec(module) is not None for module in PACKAGES[extra])


def require_extra(what: str, extra: str) -> None:
    """Raises a MissingExtraError, before any long work, where an extra's packages are missing."""
    if not has_extra(extra):
        raise MissingExtraError(what, extra)
