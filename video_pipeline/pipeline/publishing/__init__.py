"""Publish what consumers read: results of phases, tracks, the timeline and exported files."""
