"""The keys of the assets."""

import dagster as dg

from video_pipeline.domain.phases import Phase

PROJECT = dg.AssetKey("project")
OVERVIEW = dg.AssetKey("overview")


def asset_key(phase: Phase) -> dg.AssetKey:
    """Return the key of a phase's asset: its plain name."""
    return dg.AssetKey(phase.value)
