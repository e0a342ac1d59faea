"""A round of the sweep, of which only the ready units are looked at."""

from datetime import datetime

from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.round import make_round


def sweep(services: Services, now: datetime, limit: int = 100) -> list[WorkUnit]:
    """Make a round, and return the ready units."""
    return list(make_round(services, now, limit).ready)
