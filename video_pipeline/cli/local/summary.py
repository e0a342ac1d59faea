"""Prints the results of a video for people."""

from collections.abc import Iterable
from itertools import chain, islice

from rich.console import Console
from rich.markup import escape

from video_pipeline.catalog.results import Results
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.naming.printable import address
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.markers import Kind
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.time import clock
from video_pipeline.domain.usage import summed
from video_pipeline.pipeline.services import Services
from video_pipeline.storage.store import ProjectOutputs

_WORDS = 24
_SHOTS = 40


def print_summary(console: Console, services: Services, key: VideoKey) -> None:
    """Print duration, shots, first words, cost, outputs and warnings of a video."""
    project = services.of(key.project)
    record = project.videos.get(key.video)
    if record is None or record.media is None:
        return
    console.print(f"\n[bold]{escape(str(key))}[/]  {clock(record.media.duration)}")
    results = [r for phase in Phase if (r := project.results.get(key.video, phase))]
    rows = {
        "shots": _shots(project.results, key.video),
        "words": _words(project.results, key.video),
        "cost": _cost(results),
        "outputs": _outputs(services.outputs.project(key.project), results),
        "warnings": _warnings(results),
    }
    for title, text in rows.items():
        for n, line in enumerate(text.splitlines()):
            console.print(f"  {title if n == 0 else '':<9}{escape(line)}", soft_wrap=True)


def _shots(results: Results, video: str) -> str:
    shots = [marker for marker in results.markers(video, [Phase.SHOTS]) if marker.kind == Kind.SHOT]
    if not shots:
        return "none"
    starts = [clock(shot.range.start) for shot in shots[:_SHOTS]]
    more = f" and {len(shots) - _SHOTS} more" if len(shots) > _SHOTS else ""
    return (
        f"{len(shots)}, starting at {', '.join(starts)}{more}; "
        f"the last ends at {clock(shots[-1].range.end)}"
    )


def _words(results: Results, video: str) -> str:
    words = chain.from_iterable(segment.text.split() for segment in results.segments(video))
    first = list(islice(words, _WORDS + 1))
    more = " ..." if len(first) > _WORDS else ""
    return " ".join(first[:_WORDS]) + more if first else "none"


def _cost(results: Iterable[PhaseResult]) -> str:
    paid = summed(usage for result in results for usage in result.usage if usage.paid)
    billed = ", ".join(usage.amount for usage in paid)
    return f"{billed} billed" if billed else "nothing billed: everything ran on this machine"


def _warnings(results: Iterable[PhaseResult]) -> str:
    """Return each warning once, with its first phase. Phases repeat those of their inputs."""
    first: dict[str, Phase] = {}
    for result in results:
        if result.state is not PhaseState.NOT_CONFIGURED:
            first = dict.fromkeys(result.warnings, result.phase) | first
    return "\n".join(f"{phase}: {text}" for text, phase in first.items())


def _outputs(outputs: ProjectOutputs, results: Iterable[PhaseResult]) -> str:
    exported = [o for r in results if r.phase is Phase.EXPORTS for o in r.outputs]
    return "\n".join(address(outputs.uri(output)) for output in exported)
