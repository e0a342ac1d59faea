"""The assets and the backfill job of a project."""
