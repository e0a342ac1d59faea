"""What the pages of a phase's units say, as markers: checked, counted, boxes linked to tracks.

Streamed from the pages at each pass, so that results of any length take the same memory.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.markers import Marker, phase_of
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.timeline import PhaseResult
from video_pipeline.domain.tracks import Linker, cuts_of
from video_pipeline.pipeline import own
from video_pipeline.pipeline.drive import UnitDriver
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.temporal import BaseTemporalPlugin

TRACKS = "tracks"
"""The count of tracks, beside those of the kinds."""


class Found:
    """The markers of one phase, of all units that serve it."""

    def __init__(
        self, services: Services, phase: Phase, drivers: Sequence[UnitDriver], media: MediaInfo
    ) -> None:
        self._phase, self._drivers, self._media = phase, drivers, media
        request = drivers[0].planned.request
        self._shots = _Shots(services, request.key, request.content)

    def markers(self) -> Iterator[Marker]:
        """Unit by unit; each pass is the same, since normalising is pure. Raises ProviderError for
        what was not asked for, or lies outside the video."""
        for driver in self._drivers:
            yield from Linker(self._shots.cuts()).link(self._checked(driver))

    def described(self, result: PhaseResult) -> PhaseResult:
        """A result with the counts of what was found, and the shots that its tracks end at."""
        counts, theirs, linked = Counter[str](), set[tuple[str, str]](), 0
        for driver in self._drivers:
            linker = Linker(self._shots.cuts())
            for marker in linker.link(_noting_tracks(self._checked(driver), theirs)):
                counts[marker.kind] += 1
            linked += linker.tracks
        if linked or theirs:
            counts[TRACKS] = linked + len(theirs)
        origin = result.provenance
        if linked and origin and self._shots.fingerprint:
            inputs = {**origin.inputs, Phase.SHOTS: self._shots.fingerprint}
            origin = origin.model_copy(update={"inputs": inputs})
        return result.model_copy(update={"counts": dict(counts), "provenance": origin})

    def _checked(self, driver: UnitDriver) -> Iterator[Marker]:
        """What is taken from a unit for the phase."""
        planned, plugin = driver.planned, driver.planned.plugin
        if not isinstance(plugin, BaseTemporalPlugin):
            return
        for marker in plugin.normalise(planned.request, self._media, driver.raw.read()):
            if phase_of(marker.kind) is not self._phase:
                continue
            if marker.kind not in planned.request.kinds:
                raise malformed(planned.provider, f"a {marker.kind}, which was not asked for")
            if not marker.range.within(self._media.extent):
                raise malformed(planned.provider, f"a {marker.kind} outside the video")
            if marker.kind in planned.kinds:
                yield marker


class _Shots:
    """The current shots of the same content; read once, when a first box needs them."""

    def __init__(self, services: Services, key: VideoKey, content: str) -> None:
        self._services, self._key, self._content = services, key, content
        self.fingerprint = ""
        """Of their result; empty where there is none, or nobody has asked yet."""

    def cuts(self) -> Iterator[Fraction]:
        """Where they start and end."""
        yield from self._cuts

    @cached_property
    def _cuts(self) -> tuple[Fraction, ...]:
        made = own.current(self._services, self._key, Phase.SHOTS, self._content)
        if made is None:
            return ()
        self.fingerprint = made.fingerprint
        results = self._services.of(self._key.project).results
        return tuple(cuts_of(results.markers(self._key.video, [Phase.SHOTS])))


def malformed(provider: str, what: str) -> ProviderError:
    """Pages that hold what they must not."""
    return ProviderError(
        f"the answer holds {what}",
        category=FailureCategory.MALFORMED_RESULT,
        where=provider,
        remedy="Its raw pages are kept: mend the plugin and run the phase again, for nothing. "
        "Run it with force to ask the provider again.",
    )


def _noting_tracks(markers: Iterable[Marker], into: set[tuple[str, str]]) -> Iterator[Marker]:
    """The markers as they come; the tracks that the provider itself tells apart are noted."""
    for marker in markers:
        if marker.track is not None:
            into.add((marker.kind, marker.track))
        yield marker
