"""Captions: cues, and the formats that hold them."""
