"""Hands: landmarks of every hand in a picture, followed from frame to frame."""

from handflow.hands.crop import crop_hand
from handflow.hands.follow import track_hands
from handflow.hands.gaps import fill_gaps
from handflow.hands.landmarker import HandLandmarker, HandLandmarkerConfig, hand_size
from handflow.hands.models import HandModels, find_hand_models
from handflow.hands.overlay import draw_hands, draw_landmarks
from handflow.hands.slots import HandSlots, SlottedHands, sequence_of

__all__ = [
    "HandLandmarker",
    "HandLandmarkerConfig",
    "HandModels",
    "HandSlots",
    "SlottedHands",
    "crop_hand",
    "draw_hands",
    "draw_landmarks",
    "fill_gaps",
    "find_hand_models",
    "hand_size",
    "sequence_of",
    "track_hands",
]
