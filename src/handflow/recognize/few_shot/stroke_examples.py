"""The strokes of the taught clips, seen as they are seen live: up to the moment at which the gesture is over.

A whole take begins and ends with a hand at rest, the last moments of a stream do not. Live views are
therefore compared with the strokes alone: the way to a gesture, and back from it, is unlike them.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from handflow.recognize.few_shot.examples import Examples
from handflow.recognize.few_shot.looks import Encoders, look_at
from handflow.recognize.few_shot.views import LEAST_SEEN, Views, active_span, view_of
from handflow.recognize.strokes import Stroke, find_strokes
from handflow.recognize.windows import sightings
from handflow.types import BACKGROUND, Clip

ENDS = (0.06, 0.14)
"""Seconds after the end of a stroke at which its examples end, and live views are most like them."""
BEFORE = 0.05
"""Seconds before the stroke at which its examples begin."""
HELD = 0.6
"""Seconds of a held pose that an example shows at most."""
STRIDE = 0.1
"""Seconds between the views of hands that do nothing meant, at least."""
_MOST_IDLE = 4000  # such views: of long recordings they lie further apart


def stroke_examples(
    clips: Sequence[Clip],
    encoders: Encoders,
    *,
    hands_matter: bool = False,
    window: float | None = None,
) -> tuple[Examples | None, dict[str, list[Stroke]]]:
    """Looks at the stroke of each clip that shows a gesture, once for each of `ENDS`.

    Args:
        clips: all that was taught: they explain each other (`find_strokes`).
        encoders: what they are looked at with.
        hands_matter: see `view_of`.
        window: seconds that every example lasts, up to the end of its stroke; None: as long as the stroke.

    Returns:
        the examples, `seconds` being how long each view lasts (None where no gesture shows a hand), and the
        strokes of each gesture.
    """
    views, labels, ids, seconds = [], [], [], []
    found: dict[str, list[Stroke]] = {}
    for clip, marked in zip(clips, find_strokes(clips), strict=True):
        if clip.label == BACKGROUND:
            continue
        sequence = clip.sequence.measured()
        stroke = marked
        if stroke is None:  # neither a movement nor a rest stands out
            span = active_span(sequence)
            if span is None:
                continue
            stroke = Stroke(*span, held=False)
        found.setdefault(clip.label, []).append(stroke)
        for start, end in _spans(stroke):
            begin = start if window is None else end - window
            view = view_of(sequence, begin, end, hands_matter=hands_matter)
            if view is not None:
                views.append(view)
                labels.append(clip.label)
                ids.append(clip.id)
                seconds.append(end - begin)
    if not views:
        return None, found
    seen = Views.stack(views)
    looks = look_at(seen, encoders)
    return Examples(seen, looks, tuple(labels), tuple(ids), np.array(seconds, np.float32)), found


def idle_views(
    clips: Sequence[Clip], windows: Sequence[float], *, hands_matter: bool = False
) -> tuple[Views, list[tuple[str, float, float]]]:
    """Views of background clips as they would be seen live, one every `STRIDE` seconds or, of many, fewer.

    Returns:
        the views, and of each the clip, the second at which it ends and how many seconds it lasts.
    """
    views, which = [], []
    idle = [clip for clip in clips if clip.label == BACKGROUND]
    total = sum(clip.sequence.duration for clip in idle) * len(windows)
    stride = max(STRIDE, total / _MOST_IDLE)
    for clip in idle:
        found = sightings(clip.sequence.measured(), -np.inf, np.inf)
        for seconds in windows if len(found.times) else ():
            for end in np.arange(found.times[0] + seconds, found.times[-1] + 1e-6, stride).tolist():
                view = view_of(found, end - seconds, end, hands_matter=hands_matter)
                if view is not None and view.share.max() >= LEAST_SEEN:
                    views.append(view)
                    which.append((clip.id, end, seconds))
    return Views.stack(views), which


def _spans(stroke: Stroke) -> Iterator[tuple[float, float]]:
    """Beginnings and ends (seconds) of the views of one stroke."""
    if stroke.held:  # the hand comes to it, or has been in it for a while
        end = stroke.onset + min(max(stroke.seconds, 0.2), HELD)
        yield stroke.onset - BEFORE, end
        yield stroke.onset + BEFORE, end + BEFORE
        return
    for later in ENDS:
        yield stroke.onset - BEFORE, stroke.offset + later
