"""The landmarks of one clip on disk: `landmarks.npz`, versioned by the landmarker that found them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from handflow.errors import DatasetError
from handflow.npz import CLIP_LIMIT, read_npz, write_npz
from handflow.types import HandSequence

GIVEN = "given"
"""Version of landmarks that no landmarker of ours found: imported ones and exact truth."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredLandmarks:
    """What `landmarks.npz` holds."""

    sequence: HandSequence
    landmarker: str  # version of the landmarker, or `GIVEN`


def read_landmarks(path: Path) -> StoredLandmarks:
    """Reads a `landmarks.npz`.

    Raises:
        DatasetError: it is missing, damaged, or its shapes do not fit each other.
    """
    arrays = read_npz(path, limit=CLIP_LIMIT)
    try:
        sequence = HandSequence(
            landmarks=arrays["landmarks"].astype(np.float32),
            timestamps=arrays["timestamps"].astype(np.float64),
            handedness=arrays["handedness"].astype(np.float32),
            presence=arrays["presence"].astype(np.float32),
            filled=np.asarray(arrays.get("filled", np.zeros((0, 2))), np.bool_),
        )
        landmarker = str(arrays["landmarker"])
    except KeyError as error:
        raise DatasetError(
            f"{path}: has no '{error.args[0]}': run `handflow check --fix` on its dataset"
        ) from error
    except (ValueError, TypeError) as error:
        raise DatasetError(f"{path}: {error}: run `handflow check --fix` on its dataset") from error
    return StoredLandmarks(sequence, landmarker)


def write_landmarks(path: Path, sequence: HandSequence, landmarker: str) -> None:
    """Writes a `landmarks.npz`, whole or not at all."""
    write_npz(
        path,
        {
            "landmarks": sequence.landmarks.astype(np.float32),
            "timestamps": sequence.timestamps.astype(np.float64),
            "handedness": sequence.handedness.astype(np.float32),
            "presence": sequence.presence.astype(np.float32),
            "filled": sequence.filled,
            "landmarker": np.array(landmarker),
        },
    )
