"""What the pages of a unit say of one phase, as markers: checked, and streamed at each pass, so
that results of any length take the same memory.
"""

from collections.abc import Iterator

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.markers import Marker, phase_of
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.drive import UnitDriver
from video_pipeline.plugins.temporal import BaseTemporalPlugin


def found(phase: Phase, media: MediaInfo, driver: UnitDriver) -> Iterator[Marker]:
    """What is taken from a unit for a phase; each pass is the same, since normalising is pure.

    Raises ProviderError for what was not asked for, or lies outside the video.
    """
    planned, plugin = driver.planned, driver.planned.plugin
    if not isinstance(plugin, BaseTemporalPlugin):
        return
    for marker in plugin.normalise(planned.request, media, driver.raw.read()):
        if phase_of(marker.kind) is not phase:
            continue
        if marker.kind not in planned.request.kinds:
            raise malformed(planned.provider, f"a {marker.kind}, which was not asked for")
        if not marker.range.within(media.extent):
            raise malformed(planned.provider, f"a {marker.kind} outside the video")
        if marker.kind in planned.kinds:
            yield marker


def malformed(provider: str, what: str) -> ProviderError:
    """Pages that hold what they must not."""
    return ProviderError(
        f"the answer holds {what}",
        category=FailureCategory.MALFORMED_RESULT,
        where=provider,
        remedy="Its raw pages are kept: mend the plugin and run the phase again, for nothing. "
        "Run it with force to ask the provider again.",
    )
