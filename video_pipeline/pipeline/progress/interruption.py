"""Phases that stay running although their process has ended: reported as interrupted.

A run that dies leaves its phases as they are, and a retry continues them. These are the phases
that no retry continues. A sensor knows Dagster's runs; commands only know how long a phase is
silent.
"""

from datetime import datetime, timedelta

from video_pipeline.catalog.catalog import Catalog, ProjectCatalog
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseStatus
from video_pipeline.pipeline.services import projects_of

# No process works that long on a phase without an event or a lease: one decode may take 4 h
# (MediaLimits), and is started at most three times.
SILENCE = timedelta(hours=13)


def report_interrupted(catalog: Catalog, named: str | None, now: datetime) -> list[ProjectCatalog]:
    """Report interrupted phases of the named project, or of all, and return their catalogues.

    Raises InputError if no video of the named project has arrived.
    """
    projects = [catalog.project(name) for name in projects_of(catalog, named)]
    for project in projects:
        for video, status in project.standings.silent(now - SILENCE):
            interrupt(project, video, status, now, silent_since=now - SILENCE)
    return projects


def interrupt(
    project: ProjectCatalog,
    video: str,
    seen: PhaseStatus,
    now: datetime,
    *,
    silent_since: datetime,
    by_a_person: bool = False,
) -> bool:
    """Report a phase as interrupted, or as cancelled. Return False if a process has begun it."""
    state = PhaseState.CANCELLED if by_a_person else PhaseState.INTERRUPTED
    message = (
        "its run was terminated; start a new run or backfill to request it again"
        if by_a_person
        else "its process ended without a result; unless Dagster has another run queued, run it "
        f"again with `video-pipeline backfill --project {project.project} --only failed`"
    )
    events = project.events
    return events.end_silent(video, seen, state, message, now, silent_since=silent_since)
