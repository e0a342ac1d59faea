"""Whether a plugin can be asked about a request that was made earlier: region and account of an
entry in pipeline.yaml may have been changed while jobs of it were under way.

Who works elsewhere does not know the job, and takes its token for that of a new request. So nobody
asks about the unit, and it stays as it is until the entry is set back, or somebody cancels it.
"""

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.plugins.base import Plugin


def is_elsewhere(unit: WorkUnit, plugin: Plugin) -> bool:
    """Return whether the unit's request was made in another region or account than the plugin's."""
    return not unit.request.is_at(plugin.account, plugin.region)


def elsewhere(unit: WorkUnit, plugin: Plugin | None) -> ConfigurationError | None:
    """Return what to say about such a unit; None where its plugin is absent or asks there."""
    if plugin is None or not is_elsewhere(unit, plugin):
        return None
    request, job = unit.request, f"job {unit.job}" if unit.job else "its request"
    verb = "release" if unit.state is UnitState.IN_DOUBT else "cancel"
    or_end = "" if unit.state.ended else f", or end it: `video-pipeline jobs {verb} {unit.id}`"
    until = "for as long as that takes" if unit.state.ended else "until its jobs have ended"
    return ConfigurationError(
        f"{job} was made in region {request.region} of account {request.account}, and "
        f"{request.provider} now works in region {plugin.region} of account {plugin.account}: "
        "nobody can ask about it there",
        where=f"work unit {unit.id}",
        remedy=f"Set region and account of {request.provider} back {until}{or_end}.",
    )
