"""Checks of results against the media: pure functions that return findings.

Publishing calls them; policy and storage stay there.
"""
