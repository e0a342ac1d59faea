"""Whether the roads of some videos have ended, and why not well."""

from collections.abc import Mapping
from datetime import datetime

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseStatus

OfVideo = Mapping[Phase, PhaseStatus]


def is_good(statuses: OfVideo) -> bool:
    """Whether every phase of a video is done, or need not be."""
    return all(phase in statuses and statuses[phase].state.good for phase in Phase)


def has_failed(statuses: OfVideo) -> bool:
    """Whether a phase of a video has failed."""
    return any(status.state.ended_badly for status in statuses.values())


def has_ended(statuses: OfVideo, since: datetime) -> bool:
    """Whether nothing more happens to a video: all is good, or a phase has failed since then."""
    states = {status.state for status in statuses.values()}
    failed = any(
        status.state.ended_badly and status.updated_at >= since for status in statuses.values()
    )
    return is_good(statuses) or (failed and PhaseState.RUNNING not in states)


def reasons(key: VideoKey, statuses: OfVideo) -> list[str]:
    """Why a video's road is not good, a line each; none where it is."""
    if is_good(statuses):
        return []
    if not statuses:
        return [f"{key}: nothing has begun; the logs and the web interface say why"]
    return [
        f"{key}  {phase}: {status.state}{': ' if status.message else ''}{status.message}"
        for phase, status in statuses.items()
        if not status.state.good
    ] or [f"{key}: not every phase has begun"]
