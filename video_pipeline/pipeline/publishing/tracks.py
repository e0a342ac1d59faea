"""Tracks of one phase of one video: boxes are linked, and tracks end where the current shots do.

Shots may come after the boxes, or change. What is published holds the boxes, so that they are
linked again without a provider, its pages or its plugin.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.results.tracks import Linker, cuts_of, unlinked
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.services import Services

TRACKS = "tracks"
"""The count of tracks, beside those of the kinds."""


def link_again(services: Services, key: VideoKey, phase: Phase, content: str) -> PhaseResult | None:
    """Publish a phase's boxes with tracks that end at the current shots; None where they do
    already, nothing is linked, or another run has published anew meanwhile: it sees to its own."""
    result = own_results.current(services, key, phase, content)
    linked_by = result.provenance.inputs.get(Phase.SHOTS) if result and result.provenance else None
    shots = Shots(services, key, content)
    if result is None or linked_by in (None, shots.fingerprint):
        return None
    results = services.of(key.project).results
    linked = Linked(shots, [lambda: map(unlinked, results.markers(key.video, [phase]))])
    again = linked.described(result)
    rows, before = linked.markers(), result.fingerprint
    return again if results.publish(key.video, again, rows, instead_of=before) else None


class Shots:
    """The current shots of a video's content; read once, when they are first asked for."""

    def __init__(self, services: Services, key: VideoKey, content: str) -> None:
        self._services, self._key, self._content = services, key, content

    @cached_property
    def fingerprint(self) -> str:
        """Of their result; empty where there is none."""
        made = own_results.current(self._services, self._key, Phase.SHOTS, self._content)
        return made.fingerprint if made else ""

    def cuts(self) -> Iterator[Fraction]:
        """Where they start and end."""
        yield from self._cuts

    @cached_property
    def _cuts(self) -> tuple[Fraction, ...]:
        if not self.fingerprint:
            return ()
        results = self._services.of(self._key.project).results
        return tuple(cuts_of(results.markers(self._key.video, [Phase.SHOTS])))


class Linked:
    """Streams of markers, each linked by itself; they are read anew, and the same, at each pass."""

    def __init__(self, shots: Shots, streams: Sequence[Callable[[], Iterable[Marker]]]) -> None:
        self._shots, self._streams = shots, streams

    def markers(self) -> Iterator[Marker]:
        """Stream by stream."""
        for stream in self._streams:
            yield from Linker(self._shots.cuts()).link(stream())

    def described(self, result: PhaseResult) -> PhaseResult:
        """A result with the counts of the markers, and the shots that its tracks end at."""
        counts, theirs, linked = Counter[str](), set[tuple[str, str]](), 0
        for stream in self._streams:
            linker = Linker(self._shots.cuts())
            for marker in linker.link(_noting_tracks(stream(), theirs)):
                counts[marker.kind] += 1
            linked += linker.tracks
        if linked or theirs:
            counts[TRACKS] = linked + len(theirs)
        origin = result.provenance
        if linked and origin:
            inputs = {**origin.inputs, Phase.SHOTS: self._shots.fingerprint}
            origin = origin.model_copy(update={"inputs": inputs})
        return result.model_copy(update={"counts": dict(counts), "provenance": origin})


def _noting_tracks(markers: Iterable[Marker], into: set[tuple[str, str]]) -> Iterator[Marker]:
    """The markers as they come; the tracks that the provider itself tells apart are noted."""
    for marker in markers:
        if marker.track is not None:
            into.add((marker.kind, marker.track))
        yield marker
