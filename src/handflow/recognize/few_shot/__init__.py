"""Recognizing gestures from a few examples of each, with no training: runs without torch."""
