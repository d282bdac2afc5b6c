"""A synthetic hand: its joints, motions, persons and pictures, with exact truth."""
