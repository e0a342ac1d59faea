"""Gradual changes and weak cuts, judged by TransNetV2, and what of them bounds shots."""
