"""Image networks end to end: they learn, keep what is done, and run and travel without torch."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from handflow.data import write_archive
from handflow.evaluate import evaluate_clips
from handflow.hands import HandModels
from handflow.hands.silhouette import draw_silhouettes
from handflow.recognize import load_recognizer, read_model_info
from handflow.recognize.model_folder import NETWORK_FILE, Pictures, write_model_info
from handflow.recognize.package import pack_model
from handflow.recognize.picture_recognizer import PictureRecognizer
from handflow.recognize.pictures import INPUTS, InputKind, sampled_frames, window_pictures
from handflow.train import train_model
from handflow.train.export import export_onnx
from handflow.train.image_networks import LRCN, ImageNetworkConfig
from handflow.train.network import CalibratedNetwork
from handflow.train.presets import configured
from handflow.types import Clip
from recognize.test_recognize_recognizer import LABELS, model_info
from train.persons import persons_clips
from train.test_train_pictures import painted

SMALL: dict[str, Any] = {"frames": 6, "height": 48, "width": 64}
WITHOUT_TORCH = "import sys; sys.modules['torch'] = sys.modules['lightning'] = None\n"


@pytest.fixture(scope="module")
def masks_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clips = persons_clips(40, persons=5, clips=3)
    config = configured("lrcn", **SMALL, input="mask", batch=4, epochs=11, patience=11, seed=1)
    return train_model(clips, config, tmp_path_factory.mktemp("models"))


@pytest.mark.slow
def test_silhouettes_of_new_people_tell_left_from_right(masks_model: Path) -> None:
    others = persons_clips(90, persons=5, clips=3, gestures=("hand_left", "hand_right"))
    recognizer = load_recognizer(masks_model)
    answers = [LABELS[int(recognizer.classify(clip)[:2].argmax())] for clip in others]
    right = [answer == clip.label for answer, clip in zip(answers, others, strict=True)]
    assert np.mean(right) > 0.8
    assert evaluate_clips(recognizer, others).accuracy > 0.6, "background among the answers"


@pytest.mark.slow
def test_the_folder_says_what_the_network_sees(masks_model: Path) -> None:
    info = read_model_info(masks_model)
    assert (info.kind, info.input_kind) == ("lrcn", "mask")
    assert info.pictures == Pictures(**SMALL)
    assert info.labels == LABELS
    assert info.background == "learned"
    assert info.evaluation.held_out == "subject"
    files = {"model.onnx", "model.json", "history.csv", "report.html", "weights.safetensors"}
    assert files <= {path.name for path in masks_model.iterdir()}


@pytest.mark.slow
def test_onnx_says_what_torch_says(masks_model: Path) -> None:
    recognizer = load_recognizer(masks_model)
    given, clip = recognizer.info.picture_input, persons_clips(95, 1, 1)[0]
    assert given is not None
    ends = clip.sequence.timestamps[[8, 14, -1]]
    windows = np.stack(
        [
            window_pictures(
                clip.sequence, None, clip.frame_size, float(end), recognizer.window_seconds, given
            )
            for end in ends
        ]
    )
    network = LRCN(ImageNetworkConfig(labels=3, **SMALL))
    network.load_state_dict(load_file(masks_model / "weights.safetensors"))
    with torch.no_grad():
        logits = network.eval()(torch.from_numpy(windows)).double().numpy()
    scores = np.log(recognizer._network(windows).astype(np.float64))
    # The temperature is all that lies between.
    ours, theirs = (x[:, :2] - x[:, 2:] for x in (logits, scores))
    temperature = float((ours * theirs).sum() / (theirs * theirs).sum())
    assert 0.4 < temperature < 3.1
    np.testing.assert_allclose(theirs * temperature, ours, atol=0.02)


@pytest.mark.slow
def test_it_is_evaluated_and_run_without_torch(
    masks_model: Path, directions_video: Path, hand_models: HandModels, tmp_path: Path
) -> None:
    archive = tmp_path / "others.npz"
    write_archive(archive, persons_clips(90, persons=3, clips=2))
    main = WITHOUT_TORCH + "from handflow.cli import main\nmain()"

    def command(*arguments: object) -> str:
        words = [sys.executable, "-c", main, *map(str, arguments)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    document = json.loads(command("evaluate", masks_model, archive, "--json"))
    assert document["clips"] == 18
    assert document["accuracy"] > 0.5
    events = tmp_path / "events.jsonl"
    command("run", "--model", masks_model, "--source", directions_video, "--events", events)
    lines = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    assert lines, "nine seconds of strokes in all directions hold some to the left or right"
    assert {line["gesture"] for line in lines} <= set(LABELS[:2])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "kind", "preset"),
    [("convlstm", "mask", "default"), ("convlstm", "full", "article"), ("lrcn", "crop", "default")],
)
def test_all_ways_lead_from_clips_to_a_model_that_answers(
    model: str, kind: InputKind, preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDFLOW_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    clips = [
        painted(clip, rng.integers(0, 256, (60, 80, 3), np.uint8))
        for clip in persons_clips(40, persons=5, clips=2, gestures=("hand_left", "hand_right"))
    ]
    config = configured(model, preset, frames=4, height=48, width=64, input=kind, epochs=2)
    folder = train_model(clips, config, tmp_path / "models")
    info, recognizer = read_model_info(folder), load_recognizer(folder)
    assert (info.kind, info.input_kind) == (model, kind)
    assert info.background == ("doubt" if preset == "article" else "derived")
    assert isinstance(recognizer, PictureRecognizer)
    answer = recognizer.classify(clips[0])
    assert answer.shape == (3,)
    assert answer.sum() == pytest.approx(1, abs=1e-5)
    assert not list((tmp_path / "models").glob(".*")), "nothing half is left"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a process cannot send itself Ctrl-C on Windows alone")
def test_ctrl_c_keeps_the_best_image_network_so_far(tmp_path: Path) -> None:
    def interrupt(epoch: int, most: int, row: object) -> None:
        if epoch == 2:
            signal.raise_signal(signal.SIGINT)

    clips = persons_clips(40, persons=3, clips=2, gestures=("hand_left", "hand_right"))
    config = configured("lrcn", frames=4, height=48, width=64, input="mask", epochs=50)
    folder = train_model(clips, config, tmp_path, report=interrupt)
    assert any("interrupted after 2 epochs" in note for note in read_model_info(folder).notes)
    assert load_recognizer(folder).classify(clips[0]).sum() == pytest.approx(1, abs=1e-5)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def untrained(folder: Path, kind: InputKind, *, whole: bool) -> Path:
    """A model of random weights that are large enough to tell windows apart."""
    torch.manual_seed(3)
    folder.mkdir()
    network = LRCN(ImageNetworkConfig(labels=3, **SMALL)).eval()
    with torch.no_grad():
        network.head.weight *= 20
    examples = torch.randint(0, 256, (3, *SMALL.values(), 3), dtype=torch.uint8)
    export_onnx(CalibratedNetwork(network, 1.0), folder / NETWORK_FILE, examples, name="pictures")
    write_model_info(
        folder, model_info(kind="lrcn", input_kind=kind, pictures=Pictures(**SMALL, whole_clip=whole))
    )
    return folder


def unpacked(model: Path, folder: Path) -> Path:
    with zipfile.ZipFile(pack_model(model, folder.with_suffix(".zip"))) as archive:
        archive.extractall(folder)
    return folder


def alone(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Runs code in an unpacked package, where handflow is not to be had."""
    blocked = WITHOUT_TORCH + "sys.modules['handflow'] = None\n"
    return subprocess.run(
        [sys.executable, "-c", blocked + code], cwd=folder, capture_output=True, text=True, check=False
    )


TIMES = {
    "even": np.arange(40) / 30,
    "uneven": np.cumsum(np.random.default_rng(0).uniform(0.02, 0.13, 25)),
    "shorter than the window": 5 + np.arange(4) / 30,
    "one picture": np.array([2.5]),
}


@pytest.mark.parametrize("whole", [False, True], ids=["sliding", "whole clip"])
def test_a_package_gives_the_scores_that_handflow_gives(whole: bool, tmp_path: Path) -> None:
    model = untrained(tmp_path / "model", "full", whole=whole)
    there = unpacked(model, tmp_path / "there")
    assert {path.name for path in there.iterdir()} == {"model.onnx", "model.json", "load.py"}
    recognizer = load_recognizer(model)
    given = recognizer.info.picture_input
    assert given is not None
    rng, expected = np.random.default_rng(1), []
    for number, times in enumerate(TIMES.values()):
        colours = rng.integers(0, 256, (len(times), 1, 1, 3))
        pictures = np.clip(colours + rng.integers(-60, 60, (len(times), 48, 64, 3)), 0, 255).astype(np.uint8)
        np.savez(tmp_path / f"{number}.npz", pictures=pictures, times=times)
        seconds = max(float(np.ptp(times)), 1e-3) if whole else recognizer.window_seconds
        window = pictures[sampled_frames(times, float(times[-1]), seconds, given)]
        expected.append(dict(zip(LABELS, recognizer._network(window[None])[0].tolist(), strict=True)))
    run = alone(
        there,
        "sys.modules['cv2'] = None\nimport json, numpy as np\nfrom load import Model\nmodel = Model()\n"
        f"for k in range({len(TIMES)}):\n"
        f"    clip = np.load(rf'{tmp_path}/{{k}}.npz')\n"
        "    print(json.dumps(model.scores(clip['pictures'], clip['times'])))\n",
    )
    assert run.returncode == 0, run.stderr
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    for answer, one in zip(answers, expected, strict=True):
        assert answer == pytest.approx(one, abs=1e-5)
    spread = np.ptp([list(one.values()) for one in expected], axis=0).max()
    assert spread > 1e-3, "windows that all score alike would prove nothing"


@pytest.mark.parametrize("kind", INPUTS)
def test_a_package_says_which_pictures_it_takes_and_refuses_others(kind: InputKind, tmp_path: Path) -> None:
    there = unpacked(untrained(tmp_path / "model", kind, whole=False), tmp_path / "there")
    words = (there / "load.py").read_text(encoding="utf-8").split('"""')[1]
    assert f'input_kind is "{kind}"' in words
    assert {"full": "whole picture", "crop": "black beyond", "mask": "silhouette.py"}[kind] in words
    assert max(map(len, words.splitlines())) <= 110
    run = alone(
        there,
        "import numpy as np\nfrom load import Model\n"
        "for wrong in (np.zeros((3, 40, 64, 3), np.uint8), np.zeros((3, 48, 64, 3)), "
        "np.zeros((2, 48, 64, 3), np.uint8)):\n"
        "    try: print(Model().scores(wrong, [0, 0.1, 0.2]))\n"
        "    except ValueError as error: print('refused:', error)\n",
    )
    assert run.returncode == 0, run.stderr
    assert [line.startswith("refused: pictures are") for line in run.stdout.splitlines()] == [True] * 3
    assert "(3, 48, 64, 3)" in run.stdout


def test_a_package_for_silhouettes_draws_those_that_it_was_trained_on(tmp_path: Path) -> None:
    there = unpacked(untrained(tmp_path / "model", "mask", whole=False), tmp_path / "there")
    clip: Clip = persons_clips(40, 1, 1)[0]
    marks = clip.sequence.landmarks[clip.sequence.seen.any(axis=1)][0]
    np.save(tmp_path / "marks.npy", marks)
    run = alone(
        there,
        "import numpy as np\nfrom silhouette import draw_silhouettes\n"
        f"picture = draw_silhouettes(np.load(r'{tmp_path / 'marks.npy'}'), (320, 240))\n"
        f"np.save(r'{tmp_path / 'picture.npy'}', picture)\n",
    )
    assert run.returncode == 0, run.stderr
    expected = draw_silhouettes(marks, (320, 240))
    assert expected.any()
    np.testing.assert_array_equal(np.load(tmp_path / "picture.npy"), expected)
