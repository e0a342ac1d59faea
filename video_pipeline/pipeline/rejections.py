"""The recorded rejections of each project.

After each sweep they are what it found: new ones are added, mended ones cleared.
"""

from collections.abc import Mapping
from datetime import datetime

from video_pipeline.catalog.interface import Catalog, Videos
from video_pipeline.domain.identity import ProjectId
from video_pipeline.domain.source import Rejection

Reasons = Mapping[str, str]
"""Object key to why no video can be made of it."""

_MENDED_A_SWEEP = 1000


def settle(
    catalog: Catalog, found: Mapping[ProjectId, Reasons], now: datetime
) -> tuple[Rejection, ...]:
    """Record what was found in each project, of all projects, and give what is recorded then.

    A rejection found again for the same reason keeps its time.
    """
    projects = dict.fromkeys([*catalog.projects(), *found])
    return tuple(
        rejection
        for project in projects
        for rejection in _settle(
            project, catalog.project(project).videos, found.get(project, {}), now
        )
    )


def _settle(project: ProjectId, videos: Videos, reasons: Reasons, now: datetime) -> list[Rejection]:
    recorded = {
        one.object_key: one for one in videos.rejections(limit=len(reasons) + _MENDED_A_SWEEP)
    }
    for mended in recorded.keys() - reasons.keys():
        videos.clear_rejection(mended)
    current: list[Rejection] = []
    for object_key, reason in reasons.items():
        rejection = recorded.get(object_key)
        if rejection is None or rejection.reason != reason:
            rejection = Rejection(project=project, object_key=object_key, reason=reason, at=now)
            videos.reject(rejection)
        current.append(rejection)
    return current
