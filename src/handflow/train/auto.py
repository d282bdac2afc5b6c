"""Chooses between a few-shot model and the trained landmark network by cross-validation."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from handflow.data.splits import k_folds
from handflow.errors import DatasetError, TrainingError
from handflow.evaluate.clips import classify_clip
from handflow.recognize import load_recognizer
from handflow.teach.memory import FewShotMemory
from handflow.train.config import TrainConfig
from handflow.train.models import INTERRUPTED, train_model
from handflow.types import Clip

FEWEST = 5
"""Clips of a gesture below which nothing is compared: few-shot is taken."""
FOLDS = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, and why."""

    kind: str  # "few-shot" or "landmark"
    few_shot: float | None  # share of held-out clips that were right; None: not compared
    landmark: float | None
    why: str


def choose(
    clips: Sequence[Clip],
    config: TrainConfig,
    report: Callable[[int, int, float], None] | None = None,
) -> Choice:
    """Compares both kinds on the same held-out clips.

    Args:
        clips: labelled clips.
        config: how the landmark network is trained.
        report: called with the fold, their number and the share of it that is done.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    counts = Counter(clip.label for clip in clips)
    fewest = min(counts.values(), default=0)
    if fewest < FEWEST or len(counts) < 2:
        return Choice(
            "few-shot", None, None, f"under {FEWEST} clips of a gesture: few-shot, nothing compared"
        )
    try:
        splits = k_folds(clips, FOLDS, seed=config.seed)
    except DatasetError as error:
        return Choice("few-shot", None, None, f"nothing compared ({error}): few-shot")
    memory = FewShotMemory(hands_matter=config.hands_matter)
    right, tested = {"few-shot": 0, "landmark": 0}, 0
    for number, split in enumerate(splits):
        training, held_out = ([clips[i] for i in side] for side in (split.train, split.test))
        told = memory.teach(training)
        tested += len(held_out)
        right["few-shot"] += sum(told(clip) == clip.label for clip in held_out)
        with TemporaryDirectory(prefix="handflow-") as folder:

            def epoch(done: int, epochs: int, row: object, fold: int = number) -> None:
                if report is not None:
                    report(fold, len(splits), done / epochs)

            try:
                model = load_recognizer(train_model(training, config, Path(folder), report=epoch))
                if any(note.startswith(INTERRUPTED) for note in model.info.notes):
                    raise KeyboardInterrupt  # training ends early and keeps what it has; here nothing is kept
            except TrainingError as error:
                return Choice("few-shot", None, None, f"the landmark network cannot be trained: {error}")
        right["landmark"] += sum(classify_clip(model, clip)[0] == clip.label for clip in held_out)
    few, landmark = (right[kind] / tested for kind in ("few-shot", "landmark"))
    kind = "landmark" if landmark > few else "few-shot"
    why = (
        f"cross-validation on {tested} clips by {splits[0].by}: few-shot {few:.1%}, landmark {landmark:.1%}: "
        f"{kind}"
    )
    return Choice(kind, few, landmark, why)
