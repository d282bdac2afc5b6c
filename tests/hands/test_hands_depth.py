"""The depth of landmarks is in the scale of x: bones are as long as they are."""

import numpy as np

from handflow.hands import HandLandmarker, HandModels, track_hands
from handflow.synth.clips import make_clip
from handflow.synth.person import random_person
from handflow.synth.render import render_frames
from handflow.types import PARENTS, Float32


def bones(landmarks: Float32) -> Float32:
    """(…, 20) lengths of the bones, with their depth."""
    return np.linalg.norm(landmarks[..., 1:, :] - landmarks[..., PARENTS[1:], :], axis=-1)


def test_bones_are_as_long_as_they_are(hand_models: HandModels) -> None:
    ratios = []
    for seed, gesture in ((3, "hold_open"), (5, "turn"), (8, "hold_fist")):
        person = random_person(seed)
        made = make_clip(gesture, person, seed, seconds=0.6, width=640, height=480, substeps=None)
        found = track_hands(render_frames(made.scene), HandLandmarker(models=hand_models))
        hand = made.clip.sequence.landmarks[:, person.slot]
        seen = found.landmarks[:, person.slot]
        both = np.isfinite(hand).all((1, 2)) & np.isfinite(seen).all((1, 2))
        ratios.append(np.median(bones(seen[both]) / bones(hand[both])))
    assert 0.85 < float(np.mean(ratios)) < 1.15  # 0.7 where the depth is 2.5 times too small
