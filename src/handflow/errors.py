"""The few exceptions of handflow. Each message names the value and the remedy, in one line."""


class HandflowError(Exception):
    """Something the user can mend. Commands print the message and exit with 1."""


class SourceError(HandflowError):
    """A camera, video, stream or image folder cannot be opened or read."""


class ModelFileError(HandflowError):
    """A hand model or a trained model is missing, damaged or of another version."""


class DatasetError(HandflowError):
    """A dataset, a clip or a file to import is missing, damaged or unsuitable."""


class GestureNameError(DatasetError):
    """A name cannot be that of a gesture."""


class NothingToUndoError(DatasetError):
    """There is no step that could be taken back."""


class TrainingError(HandflowError):
    """Training cannot start or go on with this data."""


class BindingsError(HandflowError):
    """A bindings file is missing or wrong."""


class ActionError(HandflowError):
    """An action could not be performed."""


class MissingExtraError(HandflowError):
    """A part of handflow needs packages that are not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs the extra '{extra}': pip install \"handflow[{extra}]\"; "
            f"`handflow doctor` names the command for this very installation"
        )
