"""Stores in a folder."""
