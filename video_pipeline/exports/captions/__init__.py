"""Captions: cues and their formats."""
