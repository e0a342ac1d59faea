"""Detect units of an account or region that their pipeline.yaml entry no longer names.

Another account or region does not know the job, and would take its token for a new request. So the
unit is not touched until the entry is restored or the unit is cancelled.
"""

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.work import Stage, WorkUnit
from video_pipeline.plugins.base import Plugin


def is_elsewhere(unit: WorkUnit, plugin: Plugin) -> bool:
    """Return whether the unit's request was made in another account or region."""
    return not unit.request.is_at(plugin.account, plugin.region)


def elsewhere(unit: WorkUnit, plugin: Plugin | None) -> ConfigurationError | None:
    """Return the error to report for such a unit, or None for any other."""
    if plugin is None or not is_elsewhere(unit, plugin):
        return None
    request, job = unit.request, f"job {unit.job}" if unit.job else "its request"
    verb = "release" if unit.state.stage is Stage.DOUBTED else "cancel"
    or_end = "" if unit.state.final else f", or end it: `video-pipeline jobs {verb} {unit.id}`"
    until = "for as long as that takes" if unit.state.final else "until its jobs have ended"
    return ConfigurationError(
        f"{job} was made in region {request.region} of account {request.account}, and "
        f"{request.provider} now works in region {plugin.region} of account {plugin.account}, "
        "where it is unknown",
        where=f"work unit {unit.id}",
        remedy=f"Restore region and account of {request.provider} in pipeline.yaml "
        f"{until}{or_end}.",
    )
