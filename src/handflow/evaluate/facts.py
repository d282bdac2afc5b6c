"""What a trained model says about where it comes from."""

import hashlib
import platform
from collections.abc import Sequence
from importlib.metadata import version

import numpy as np

import handflow
from handflow.types import Clip


def data_fingerprint(clips: Sequence[Clip]) -> str:
    """sha256 over labels, times and landmarks of all clips, whatever their order."""
    parts = []
    for clip in clips:
        digest = hashlib.sha256(clip.label.encode())
        digest.update(np.ascontiguousarray(clip.sequence.timestamps, "<f8").tobytes())
        digest.update(np.ascontiguousarray(clip.sequence.landmarks, "<f4").tobytes())
        parts.append(digest.digest())
    return hashlib.sha256(b"".join(sorted(parts))).hexdigest()


def versions(*packages: str) -> dict[str, str]:
    """Versions of handflow, Python and the named packages that made a model."""
    return {
        "handflow": handflow.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }
