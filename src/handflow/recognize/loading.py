"""Opens trained models."""

from pathlib import Path

from handflow.errors import ModelFileError
from handflow.processes import live_threads
from handflow.recognize.model_folder import NETWORK_FILE, read_model_info
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
