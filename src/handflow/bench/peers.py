"""The peers' environment: programs that handflow is measured against, run as subprocesses.

mediapipe brings its own OpenCV, which must not share an environment with ours: `make peers` puts it into
`.venv-peers` beside the project. Without that folder the peers' columns are left out.
"""

import os
import zipfile
from pathlib import Path

from handflow.hands import find_hand_models

_TASK_MEMBERS = ("hand_detector.tflite", "hand_landmarks_detector.tflite")


def peers_python() -> Path | None:
    """The peers' Python: `HANDFLOW_PEERS` or `.venv-peers` here; None where there is none."""
    folder = Path(os.environ.get("HANDFLOW_PEERS", ".venv-peers"))
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    return python if python.exists() else None


def pack_task(path: Path) -> Path:
    """Packs our two hand models as the `.task` bundle that mediapipe wants; returns `path`.

    mediapipe reads *stored* members only.
    """
    models = find_hand_models()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as bundle:
        for name, content in zip(_TASK_MEMBERS, (models.palm, models.landmark), strict=True):
            bundle.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return path
