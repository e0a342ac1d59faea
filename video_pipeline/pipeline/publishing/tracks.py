"""Link the boxes of a phase into tracks that end at the cuts of the current shots.

Shots may be published after the boxes, or change. Published markers keep their boxes, so they are
linked again without a request, raw pages or plugin.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property

from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.results.tracks import Linker, cuts_of, unlinked
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.video_run import VideoRun

# The count of tracks, beside the counts of each kind.
TRACKS = "tracks"


def link_again(run: VideoRun, phase: Phase) -> PhaseResult | None:
    """Publish a phase's boxes again, with tracks that end at the current shots.

    Returns None if its tracks are current, it has none, or another run published meanwhile.
    """
    result = own_results.current(run, phase)
    linked_by = result.provenance.inputs.get(Phase.SHOTS) if result and result.provenance else None
    shots = Shots(run)
    if result is None or linked_by in (None, shots.fingerprint):
        return None
    results, video = run.catalog.results, run.key.video
    linked = Linked(shots, [lambda: map(unlinked, results.markers(video, [phase]))])
    new = linked.described(result)
    markers, before = linked.markers(), result.fingerprint
    return new if results.publish(video, new, markers, instead_of=before) else None


class Shots:
    """The current shots of a run's content, read once on first use."""

    def __init__(self, run: VideoRun) -> None:
        self._run = run

    @cached_property
    def fingerprint(self) -> str:
        """Return the fingerprint of their result, empty if there is none."""
        made = own_results.current(self._run, Phase.SHOTS)
        return made.fingerprint if made else ""

    def cuts(self) -> Iterator[Fraction]:
        """Yield where they start and end; read them only then."""
        yield from self._cuts

    @cached_property
    def _cuts(self) -> tuple[Fraction, ...]:
        if not self.fingerprint:
            return ()
        markers = self._run.catalog.results.markers(self._run.key.video, [Phase.SHOTS])
        return tuple(cuts_of(markers))


class Linked:
    """Streams of markers, each linked by itself. Every pass reads the same markers again."""

    def __init__(self, shots: Shots, streams: Sequence[Callable[[], Iterable[Marker]]]) -> None:
        self._shots, self._streams = shots, streams

    def markers(self) -> Iterator[Marker]:
        """Yield the linked markers, stream by stream."""
        for stream in self._streams:
            yield from Linker(self._shots.cuts()).link(stream())

    def described(self, result: PhaseResult) -> PhaseResult:
        """Return the result with its counts, and the fingerprint of the shots it depends on."""
        counts, from_provider, linked = Counter[str](), set[tuple[str, str]](), 0
        for stream in self._streams:
            linker = Linker(self._shots.cuts())
            for marker in linker.link(_collect_tracks(stream(), from_provider)):
                counts[marker.kind] += 1
            linked += linker.tracks
        if linked or from_provider:
            counts[TRACKS] = linked + len(from_provider)
        origin = result.provenance
        if linked and origin:
            inputs = {**origin.inputs, Phase.SHOTS: self._shots.fingerprint}
            origin = origin.model_copy(update={"inputs": inputs})
        return result.model_copy(update={"counts": dict(counts), "provenance": origin})


def _collect_tracks(markers: Iterable[Marker], into: set[tuple[str, str]]) -> Iterator[Marker]:
    """Yield the markers unchanged, and collect the tracks that the provider numbered itself."""
    for marker in markers:
        if marker.track is not None:
            into.add((marker.kind, marker.track))
        yield marker
