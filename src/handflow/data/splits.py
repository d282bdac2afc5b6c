"""Splits of clips for training and testing: by clip, session or subject, never one group on both sides.

Groups are dealt to folds as scikit-learn's StratifiedGroupKFold does it: the groups that change most first,
each to the fold where the gestures stay most even.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from handflow.errors import DatasetError
from handflow.types import Clip

By = Literal["auto", "clip", "session", "subject"]
BY: tuple[By, ...] = ("auto", "clip", "session", "subject")

AUTO_GROUPS = 3
"""Sessions or subjects from which "auto" splits by them: with two, half of the clips would be set aside."""

T = TypeVar("T")
Ints = NDArray[np.int64]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Split:
    """Which clips are trained on and which are tested on."""

    train: tuple[int, ...]  # positions in the list of clips
    test: tuple[int, ...]
    by: By  # what is never on both sides; never "auto"
    shares_sessions: bool  # True: some session, or one that is not known, is on both sides
    unseen: tuple[str, ...] = ()  # gestures that are tested but not trained
    held_out: str = ""  # the subject that is tested, where one is left out

    @property
    def note(self) -> str:
        """One line that says what results on this split mean; empty where nothing must be said."""
        if self.shares_sessions:
            return "tested on clips of sessions also trained on: expect less on another day or person"
        return ""


def split_by(clips: Sequence[Clip], by: By = "auto", *, test: float = 0.2, seed: int = 0) -> Split:
    """Sets about a share of the clips aside.

    Args:
        clips: labelled clips.
        by: what stays together. "auto" takes the hardest split that the clips allow: by subject, else by
            session, else by clip; the first two where there are three groups or more.
        test: share of the clips to test on, above 0 and below 1.
        seed: of the choice.

    Raises:
        DatasetError: there are too few groups, or a gesture would only be on one side.
    """
    if not 0 < test < 1:
        raise DatasetError(f"the test share is {test}: choose one between 0 and 1")
    return _hardest(clips, by, lambda one: _one_split(clips, one, test, seed))


def k_folds(clips: Sequence[Clip], k: int = 5, by: By = "auto", *, seed: int = 0) -> list[Split]:
    """Cuts the clips into `k` parts, each tested once by what the others train.

    Raises:
        DatasetError: `k` is below 2, or there are fewer groups, or a gesture is in a single group.
    """
    if k < 2:
        raise DatasetError(f"{k} folds cannot be compared: choose 2 or more")
    return _hardest(clips, by, lambda one: _all_folds(clips, one, k, seed))


def leave_one_subject_out(clips: Sequence[Clip]) -> list[Split]:
    """One split for each subject, tested by what all others train. Gestures of one subject only are `unseen`.

    Raises:
        DatasetError: a clip does not say who performed it, or all are of one person.
    """
    groups = _groups(clips, "subject")
    _require_groups(clips, groups, "subject", 2)
    subjects = sorted({c.subject for c in clips if c.subject is not None})
    return [_split(clips, np.array([c.subject == s for c in clips]), "subject", held_out=s) for s in subjects]


def _hardest(clips: Sequence[Clip], by: By, cut: Callable[[By], T]) -> T:
    if by not in BY:
        raise DatasetError(f"cannot split by '{by}': choose one of {', '.join(BY)}")
    if by != "auto":
        return cut(by)
    harder: tuple[By, By] = ("subject", "session")
    for candidate in harder:
        known = {getattr(c, candidate) for c in clips}
        if None in known or len(known) < AUTO_GROUPS:
            continue
        try:
            return cut(candidate)
        except DatasetError as error:
            log.info("not split by %s: %s", candidate, error)
    return cut("clip")


def _one_split(clips: Sequence[Clip], by: By, test: float, seed: int) -> Split:
    groups = _groups(clips, by)
    _require_groups(clips, groups, by, 2)
    # Enough folds that a single one, or a few together, come close to the share.
    count = min(len(set(groups.tolist())), max(2, round(1 / min(test, 1 - test))))
    folds = _deal(clips, groups, count, seed)
    sizes = np.bincount(folds, minlength=count)
    wanted = test * len(clips)
    chosen = [int(np.argmin(np.abs(sizes - wanted)))]
    for fold in map(int, np.argsort(-sizes, kind="stable")):
        now = sizes[chosen].sum()
        if (
            fold not in chosen
            and len(chosen) < count - 1
            and abs(now + sizes[fold] - wanted) < abs(now - wanted)
        ):
            chosen.append(fold)
    return _checked(clips, np.isin(folds, chosen), by)


def _all_folds(clips: Sequence[Clip], by: By, k: int, seed: int) -> list[Split]:
    groups = _groups(clips, by)
    _require_groups(clips, groups, by, k)
    folds = _deal(clips, groups, k, seed)
    return [_checked(clips, folds == fold, by) for fold in range(k)]


def _labels(clips: Sequence[Clip]) -> list[str]:
    return sorted({c.label for c in clips})


def _groups(clips: Sequence[Clip], by: By) -> Ints:
    """(clips,) number of each clip's group."""
    if by == "clip":
        return np.arange(len(clips))
    keys = [c.subject if by == "subject" else c.session for c in clips]
    if None in keys:
        unknown = clips[keys.index(None)].id
        raise DatasetError(
            f"cannot split by {by}: clip '{unknown}' does not say its {by}: "
            f"record or import it with --{by} NAME, or split by {_finer(by)}"
        )
    return np.unique(np.array(keys, dtype=np.str_), return_inverse=True)[1].astype(np.int64)


def _require_groups(clips: Sequence[Clip], groups: Ints, by: By, wanted: int) -> None:
    found = len(set(groups.tolist()))
    if found < wanted:
        finer = "record more" if by == "clip" else f"record more of them or split by {_finer(by)}"
        raise DatasetError(f"{found} {by}{'s' * (found != 1)} cannot be split into {wanted} parts: {finer}")
    for gesture in _labels(clips):
        of_gesture = {int(g) for g, c in zip(groups, clips, strict=True) if c.label == gesture}
        if len(of_gesture) < 2 and by == "clip":
            raise DatasetError(f"gesture '{gesture}' has a single clip: record more of it")


def _finer(by: By) -> str:
    return "session or clip" if by == "subject" else "clip"


def _deal(clips: Sequence[Clip], groups: Ints, count: int, seed: int) -> Ints:
    """(clips,) the fold of each clip; whole groups, gestures as even as they can be."""
    labels = np.unique([c.label for c in clips], return_inverse=True)[1]
    table = np.zeros((int(groups.max()) + 1, int(labels.max()) + 1))
    np.add.at(table, (groups, labels), 1)
    share = table / table.sum(axis=0)
    order = np.random.default_rng(seed).permutation(len(table))
    # Large and lopsided groups first; the shuffle decides among equals.
    order = order[np.argsort(-table[order].std(axis=1), kind="stable")]
    if len(table) == len(clips):  # single clips: gesture by gesture, so that each fold gets its share
        order = order[np.argsort(table[order].argmax(axis=1), kind="stable")]
    filled = np.zeros((count, table.shape[1]))
    fold_of = np.empty(len(table), np.int64)
    for group in order:
        spread = [
            float((filled + share[group] * (np.arange(count) == f)[:, None]).std(axis=0).mean())
            for f in range(count)
        ]
        load = filled.sum(axis=1)
        fold = min(range(count), key=lambda f: (round(spread[f], 9), load[f]))
        fold_of[group] = fold
        filled[fold] += share[group]
    _fill_empty(fold_of, count)
    return fold_of[groups]


def _fill_empty(fold_of: Ints, count: int) -> None:
    for fold in range(count):
        if fold not in fold_of:
            largest = int(np.bincount(fold_of, minlength=count).argmax())
            fold_of[np.flatnonzero(fold_of == largest)[-1]] = fold


def _checked(clips: Sequence[Clip], test: NDArray[np.bool_], by: By) -> Split:
    split = _split(clips, test, by)
    if split.unseen:
        raise DatasetError(
            f"gesture '{split.unseen[0]}' occurs in too few {by}s to be trained and tested: "
            f"record it in another {by}" + (f" or split by {_finer(by)}" if by != "clip" else "")
        )
    return split


def _split(clips: Sequence[Clip], test: NDArray[np.bool_], by: By, held_out: str = "") -> Split:
    train_side, test_side = np.flatnonzero(~test).tolist(), np.flatnonzero(test).tolist()

    def sessions(side: list[int]) -> set[tuple[str | None, str | None]]:
        # Sessions of different people are different ones, whatever their names.
        return {(clips[i].subject, clips[i].session) for i in side}

    shared = sessions(train_side) & sessions(test_side)
    trained = {clips[i].label for i in train_side}
    return Split(
        train=tuple(train_side),
        test=tuple(test_side),
        by=by,
        shares_sessions=bool(shared) and by not in ("session", "subject"),
        unseen=tuple(sorted({clips[i].label for i in test_side} - trained)),
        held_out=held_out,
    )
