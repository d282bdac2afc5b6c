"""Teach a computer your own hand gestures and run them live."""

__version__ = "0.1.0"
