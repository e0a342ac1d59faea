"""Quantities and limits of paid use."""
