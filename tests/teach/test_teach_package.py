"""A packed few-shot model runs with numpy and onnxruntime alone and says what it says here."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from handflow.evaluate.streams import slotted_frames
from handflow.recognize import load_recognizer
from handflow.recognize.package import pack_model
from handflow.teach import TeachConfig, teach_model
from teach.few_shot_samples import CLEAR, takes

BLOCKED = ("handflow", "torch", "array_api_compat", "pydantic", "cv2", "scipy")


@pytest.mark.parametrize("hands_matter", [False, True])
def test_the_package_runs_without_handflow(hands_matter: bool, tmp_path: Path) -> None:
    clips = takes(CLEAR, 4)  # enough for the regression
    folder = teach_model(clips, tmp_path / "models", TeachConfig(hands_matter=hands_matter)).folder
    with zipfile.ZipFile(pack_model(folder, tmp_path / "gestures.zip")) as archive:
        archive.extractall(tmp_path / "there")
    played = clips[0].sequence
    np.savez(tmp_path / "clip.npz", landmarks=played.landmarks, timestamps=played.timestamps)
    code = (
        f"import sys, json, numpy as np; sys.modules.update(dict.fromkeys({BLOCKED!r}))\n"
        "from load import Model\n"
        f"clip = np.load(r'{tmp_path / 'clip.npz'}')\n"
        "print(json.dumps(Model().scores(clip['landmarks'], clip['timestamps'])))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "there", check=False, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    recognizer = load_recognizer(folder)
    for number, hands in enumerate(slotted_frames(played)):
        scores = recognizer.update(hands, float(played.timestamps[number]), number)
    here = dict(zip(scores.labels, scores.probabilities.tolist(), strict=True))
    del here["background"]
    assert json.loads(run.stdout) == pytest.approx(here, abs=1e-5)
    assert max(here.values()) > 0.05
