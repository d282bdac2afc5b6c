"""Packs a trained model so that it runs without handflow: ONNX, JSON and a loader of a few lines."""

import io
import zipfile
from pathlib import Path
from typing import Literal

import handflow.types
from handflow.atomic import write_bytes
from handflow.errors import ModelFileError
from handflow.hands import silhouette
from handflow.recognize import features, windows
from handflow.recognize.few_shot import (
    classifier,
    combining,
    hand_features,
    looks,
    pace,
    parts,
    regression,
    time_warping,
    views,
)
from handflow.recognize.few_shot.examples import STROKES_FILE
from handflow.recognize.loading import load_recognizer
from handflow.recognize.model_folder import INFO_FILE, NETWORK_FILE
from handflow.recognize.pictures import MARGIN, InputKind

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

FEW_SHOT_LOADER = '''"""Runs this few-shot gesture model on hand landmarks. Needs numpy and onnxruntime alone.

    from load import Model
    Model().scores(landmarks, timestamps)   # {"hand_up": 0.97, ...} of the moment of the last frame

landmarks (frames, 2, 21, 3): slot 0 the left, 1 the right hand, MediaPipe's 21 points, pixels, x right,
y down in the unmirrored picture, NaN where no hand is seen; timestamps (frames,): seconds, rising.
What the scores leave to 1 is the chance of none of the gestures.
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime
from classifier import FewShotClassifier, Usual
from hand_features import FEW_SHOT_VERSION
from hand_types import HandSequence
from looks import look_at, looks_of
from pace import learn_pace, log_speed
from views import Views, live_view


class Model:
    def __init__(self, folder=Path(__file__).resolve().parent):
        self.info = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        said = self.info["few_shot"]
        assert said["version"] == FEW_SHOT_VERSION, "model.json and views.py do not fit"
        self.session = onnxruntime.InferenceSession((folder / "model.onnx").read_bytes())
        with np.load(folder / "strokes.npz", allow_pickle=False) as found:
            names = ("landmarks", "share", "acting", "side")
            views = Views(*(found[name] for name in names))
            taught, speed = looks_of(views, found["points"]), log_speed(views, found["seconds"])
            labels = [str(label) for label in found["label"]]
        usual = Usual(said["usual_weights"], said["usual_levels"], said["usual_border"], said["steepness"])
        settled = {"weights": said["stroke_weights"], "border": said["stroke_border"]}
        self.classifier = FewShotClassifier(taught, labels, usual, **settled)
        self.pace = learn_pace(speed, self.classifier.label, self.classifier.gestures)

    def encoders(self, features):
        return self.session.run(None, {"features": features})[0]

    def scores(self, landmarks, timestamps):
        marks, times = np.asarray(landmarks, np.float32), np.asarray(timestamps, float)
        nothing = np.zeros((len(times), 2), np.float32)
        hands = HandSequence(marks, times, nothing, nothing)
        options = {"hands_matter": self.info["hands_matter"]}
        durations = self.info["few_shot"]["windows"]
        views = {seconds: live_view(hands, times[-1], seconds, **options) for seconds in durations}
        views = {seconds: view for seconds, view in views.items() if view is not None}
        if not views:
            return dict.fromkeys(self.classifier.gestures, 0.0)
        seen = Views.stack(views.values())
        share = self.pace.share(log_speed(seen, np.array(list(views))))
        scores = self.classifier.scores(look_at(seen, self.encoders), share)
        return dict(zip(self.classifier.gestures, scores.tolist()))
'''

PICTURE_LOADER = '''"""Runs this gesture model on pictures. Needs numpy and onnxruntime, nothing else.

    from load import Model
    Model().scores(pictures, timestamps)   # {"hand_up": 0.97, ...} of the window up to the last picture

pictures (n, height, width, 3): uint8, RGB, unmirrored, of the height and width that model.json says;
timestamps (n,): seconds, rising. How often a second pictures come does not matter: the network gets those
nearest to evenly spaced moments. This model's input_kind is "KIND":

SHOWN
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime


class Model:
    def __init__(self, folder=Path(__file__).resolve().parent):
        self.info = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self.session = onnxruntime.InferenceSession((folder / "model.onnx").read_bytes())

    def scores(self, pictures, timestamps):
        pictures, times, seen = np.asarray(pictures), np.asarray(timestamps, float), self.info["pictures"]
        expected = (len(times), seen["height"], seen["width"], 3)
        if not len(times) or pictures.dtype != np.uint8 or pictures.shape != expected:
            raise ValueError(f"pictures are {pictures.dtype} {pictures.shape}, expected uint8 {expected}")
        whole = max(times[-1] - times[0], 1e-3)
        seconds = whole if seen["whole_clip"] else self.info["window_seconds"]
        moments = np.linspace(times[-1] - seconds, times[-1], seen["frames"])
        after = np.clip(np.searchsorted(times, moments), 0, len(times) - 1)
        before = np.maximum(after - 1, 0)
        nearer = times[after] - moments < moments - times[before] - 1e-6
        window = pictures[np.where(nearer, after, before)]
        (scores,) = self.session.run(None, {"pictures": window[None]})
        return dict(zip(self.info["labels"], scores[0].tolist()))
'''

_BOX = (
    "one upright box for all pictures of the window: around all landmarks of the hands in it, "
    f"{MARGIN:.0%} of its longer\nside wider at each rim, then wide or tall enough for the proportions"
)
_SHOWN: dict[InputKind, str] = {
    # what a loader's reader must know of its pictures
    "full": "the whole picture scaled to that size, its proportions kept, black beside it.",
    "crop": f"{_BOX}, scaled to that size;\nblack beyond the picture's rim. A window without hands is "
    "background: do not ask.",
    "mask": f"{_BOX}, scaled to that size.\nHands are white, all else is black, the same in all three "
    "colours: silhouette.py draws them from landmarks\nin pixels of the box, as in training (it needs "
    "opencv). A window without hands is background: do not ask.",
}

_IMPORTS = {
    # how the copied files find each other outside of handflow
    "from handflow.recognize.windows import": "from windows import",
    "from handflow.recognize.few_shot.": "from ",
    "from handflow.types import": "from hand_types import",
}


def pack_model(folder: Path, out: Path) -> Path:
    """Writes a zip of the model, the feature path and a loader; whole or not at all.

    The feature path is the very code that this model was trained with, so that landmarks give the same
    scores there as here. Models that look at pictures are given pictures; those that look at silhouettes
    bring the code that draws them.

    Raises:
        ModelFileError: the model cannot be opened, or `out` is a folder.
    """
    info = load_recognizer(folder).info  # a model that does not run is not handed on
    if out.is_dir():
        raise ModelFileError(f"{out} is a folder: name a file, such as {out / (folder.name + '.zip')}")
    out.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / NETWORK_FILE, NETWORK_FILE)
        archive.write(folder / INFO_FILE, INFO_FILE)
        if info.few_shot is not None:
            archive.write(folder / STROKES_FILE, STROKES_FILE)
        code = _code(info.input_kind) if info.few_shot is None else _few_shot_code()
        for name, text in code.items():
            archive.writestr(name, text)
    write_bytes(out, content.getvalue())
    return out


def _code(kind: Literal["landmarks"] | InputKind) -> dict[str, str]:
    """The loader of a kind of model, and what it needs: names and contents of files."""
    types = {"hand_types.py": _standalone(handflow.types.__file__)}
    if kind == "landmarks":
        path = {"features.py": _standalone(features.__file__), "windows.py": _standalone(windows.__file__)}
        return {"load.py": LOADER, **path, **types}
    loader = {"load.py": PICTURE_LOADER.replace("KIND", kind).replace("SHOWN", _SHOWN[kind])}
    if kind == "mask":
        return {**loader, "silhouette.py": _standalone(silhouette.__file__), **types}
    return loader


def _few_shot_code() -> dict[str, str]:
    """The loader of a few-shot model, and what it needs: names and contents of files."""
    basic = (windows, views, hand_features, time_warping, looks, pace)
    modules = (*basic, parts, combining, regression, classifier)
    names = {f"{module.__name__.rpartition('.')[2]}.py": module.__file__ for module in modules}
    return {
        "load.py": FEW_SHOT_LOADER,
        "hand_types.py": _standalone(handflow.types.__file__),
        **{name: _standalone(path) for name, path in names.items()},
    }


def _standalone(path: str | None) -> str:
    assert path is not None
    text = Path(path).read_text(encoding="utf-8")
    for ours, theirs in _IMPORTS.items():
        text = text.replace(ours, theirs)
    return text
