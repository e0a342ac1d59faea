"""Overviews of projects and videos, read from the catalogue. Nothing here changes anything."""
