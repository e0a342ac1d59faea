"""Overviews of projects and videos, read from the catalogue. Changes nothing."""
