"""Quantities of paid usage and their daily limits."""
