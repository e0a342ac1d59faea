"""Which projects somebody asks about: one by its id, or all that there are."""

from collections.abc import Sequence

from video_pipeline.domain.errors import InputError
from video_pipeline.domain.identity import ProjectId
from video_pipeline.pipeline.services import Services


def projects_of(services: Services, named: str | None = None) -> Sequence[ProjectId]:
    """The one that is named, or all. Raises InputError where nothing of that one has arrived."""
    there = services.catalog.projects()
    if named is None:
        return there
    if named not in there:
        raise InputError(
            f"no video of a project {named!r} has arrived",
            remedy="See `video-pipeline status` for the projects that there are.",
        )
    return [named]
