"""Packs a trained model so that it runs without handflow: ONNX, JSON and a loader of a few lines."""

import io
import zipfile
from pathlib import Path

import handflow.types
from handflow.atomic import write_bytes
from handflow.errors import ModelFileError
from handflow.recognize import features, windows
from handflow.recognize.loading import load_recognizer
from handflow.recognize.model_folder import INFO_FILE, NETWORK_FILE

LOADER = '''"""Runs this gesture model on hand landmarks. Needs numpy and onnxruntime, nothing else.

    from load import Model
    Model().scores(landmarks, timestamps)   # {"hand_up": 0.97, ...} of the window up to the last frame

landmarks (frames, 2, 21, 3): slot 0 the left, 1 the right hand, MediaPipe's 21 points, pixels, x right,
y down in the unmirrored picture, NaN where no hand is seen; timestamps (frames,): seconds, rising.
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime
from features import FEATURE_VERSION, window_features
from hand_types import HandSequence


class Model:
    def __init__(self, folder=Path(__file__).resolve().parent):
        self.info = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        assert self.info["feature_version"] == FEATURE_VERSION, "model.json and features.py do not fit"
        self.session = onnxruntime.InferenceSession((folder / "model.onnx").read_bytes())

    def scores(self, landmarks, timestamps):
        marks, times = np.asarray(landmarks, np.float32), np.asarray(timestamps, float)
        nothing = np.zeros((len(times), 2), np.float32)
        hands = HandSequence(marks, times, nothing, nothing)
        options = {"hands_matter": self.info["hands_matter"]}
        window = window_features(hands, times[-1], self.info["window_seconds"], **options)
        (scores,) = self.session.run(None, {"features": window[None]})
        return dict(zip(self.info["labels"], scores[0].tolist()))
'''

_IMPORTS = {
    # how the copied files find each other outside of handflow
    "from handflow.recognize.windows import": "from windows import",
    "from handflow.types import": "from hand_types import",
}


def pack_model(folder: Path, out: Path) -> Path:
    """Writes a zip of the model, the feature path and a loader; whole or not at all.

    The feature path is the very code that this model was trained with, so that landmarks give the same
    scores there as here.

    Raises:
        ModelFileError: the model cannot be opened, or `out` is a folder.
    """
    load_recognizer(folder)  # a model that does not run is not handed on
    if out.is_dir():
        raise ModelFileError(f"{out} is a folder: name a file, such as {out / (folder.name + '.zip')}")
    out.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / NETWORK_FILE, NETWORK_FILE)
        archive.write(folder / INFO_FILE, INFO_FILE)
        archive.writestr("load.py", LOADER)
        archive.writestr("features.py", _standalone(features.__file__))
        archive.writestr("windows.py", _standalone(windows.__file__))
        archive.writestr("hand_types.py", _standalone(handflow.types.__file__))
    write_bytes(out, content.getvalue())
    return out


def _standalone(path: str | None) -> str:
    assert path is not None
    text = Path(path).read_text(encoding="utf-8")
    for ours, theirs in _IMPORTS.items():
        text = text.replace(ours, theirs)
    return text
