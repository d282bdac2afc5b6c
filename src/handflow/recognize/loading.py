"""Opens trained models."""

from pathlib import Path

from handflow.errors import ModelFileError
from handflow.processes import live_threads
from handflow.recognize.few_shot.classifier import FewShotClassifier, Usual
from handflow.recognize.few_shot.examples import EXAMPLES_FILE, STROKES_FILE, Examples, read_examples
from handflow.recognize.few_shot.pace import learn_pace, log_speed
from handflow.recognize.few_shot.packaged import OnnxEncoders
from handflow.recognize.few_shot.recognizer import FewShotRecognizer, Live
from handflow.recognize.model_folder import INFO_FILE, NETWORK_FILE, FewShot, ModelInfo, read_model_info
from handflow.recognize.picture_recognizer import PictureRecognizer
from handflow.recognize.recognizer import OnnxNetwork, Recognizer


def load_recognizer(folder: Path | str, *, threads: int | None = None) -> Recognizer:
    """Opens a trained model.

    Args:
        folder: of the model.
        threads: of an image network; None: as many as live recognition takes.

    Raises:
        ModelFileError: a file of the model is missing or damaged, or of another feature version.
    """
    folder = Path(folder)
    info = read_model_info(folder)
    if info.few_shot is not None:
        return _few_shot(folder, info, info.few_shot)
    given = info.picture_input
    if given is None:
        network = OnnxNetwork(folder / NETWORK_FILE)
    else:
        network = OnnxNetwork(folder / NETWORK_FILE, given.shape, threads=threads or live_threads())
    if network.labels not in (None, len(info.labels)):
        raise ModelFileError(
            f"{folder / NETWORK_FILE} gives {network.labels} scores for {len(info.labels)} labels: "
            f"the files of two models are mixed, train the model again"
        )
    return Recognizer(info, network) if given is None else PictureRecognizer(info, network)


def _few_shot(folder: Path, info: ModelInfo, said: FewShot) -> FewShotRecognizer:
    encoders = OnnxEncoders(folder / NETWORK_FILE)
    examples = _examples(folder, EXAMPLES_FILE, info, encoders)
    strokes = _examples(folder, STROKES_FILE, info, encoders)
    usual = Usual(said.usual_weights, said.usual_levels, said.usual_border, said.steepness)
    classifier = FewShotClassifier(
        examples.looks, examples.labels, usual, weights=said.weights, border=said.border
    )
    of_strokes = FewShotClassifier(
        strokes.looks, strokes.labels, usual, weights=said.stroke_weights, border=said.stroke_border
    )
    speed = log_speed(strokes.views, strokes.seconds)
    live = Live(of_strokes, learn_pace(speed, of_strokes.label, of_strokes.gestures))
    return FewShotRecognizer(info, encoders, classifier, live)


def _examples(folder: Path, file: str, info: ModelInfo, encoders: OnnxEncoders) -> Examples:
    """The examples of a file, which must be of this model."""
    examples = read_examples(folder, file)
    if untaught := set(examples.labels) - set(info.labels):
        raise ModelFileError(
            f"{folder} holds examples of {sorted(untaught)}, which {INFO_FILE} does not name: "
            "the files of two models are mixed, teach the model again"
        )
    if encoders.embedding not in (None, examples.looks.points.shape[2]):
        raise ModelFileError(
            f"{folder / NETWORK_FILE} gives {encoders.embedding} numbers and the examples have "
            f"{examples.looks.points.shape[2]}: the files of two models are mixed, teach the model again"
        )
    return examples
