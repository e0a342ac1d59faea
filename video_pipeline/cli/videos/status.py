"""`status` and `rejected`: phases of all videos by state, and rejected files."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.catalog.videos import Videos
from video_pipeline.cli.access import AsJson, OfProject, settings_of
from video_pipeline.cli.console import out, remark, wide
from video_pipeline.domain.naming.printable import printable
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import ENDED_BADLY, PhaseState
from video_pipeline.domain.source import Rejection
from video_pipeline.pipeline.progress.interruption import report_interrupted
from video_pipeline.wiring import open_services

_COLUMNS = (
    PhaseState.RUNNING,
    PhaseState.PARKED,
    PhaseState.WAITING,
    PhaseState.CANCELLED,
    *ENDED_BADLY,
)


def status(
    context: typer.Context,
    project: OfProject = None,
    totals: Annotated[bool, typer.Option("--totals", help="Only the projects' totals.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the state of every video, the totals of each project, and rejected files."""
    with open_services(settings_of(context), plugins={}) as services:
        catalogs = report_interrupted(services.catalog, project, services.clock())
        sums = [_sums(one) for one in catalogs]
        rows = [] if totals else [row for one in catalogs for row in _rows(one)]
        rejected = [rejection for one in catalogs for rejection in one.videos.rejections()]
    if as_json:
        rejections = [rejection.model_dump(mode="json") for rejection in rejected]
        document = {"projects": sums, "videos": rows, "rejections": rejections}
        typer.echo(json.dumps(document, indent=2))
        return
    if rows:
        wide.print(_videos_table(rows))
        out.print()
    if shown := [one for one in sums if one["videos"] or one["removed"]]:
        wide.print(_sums_table(shown))
    if rejected:
        out.print("\n[bold]rejected[/]")
        wide.print(rejections_table(rejected))
    if not shown and not rejected:
        remark("No video has arrived yet.")


def rejected(context: typer.Context, project: OfProject = None, as_json: AsJson = False) -> None:
    """Show the files that were rejected, with the reasons."""
    with open_services(settings_of(context), plugins={}) as services:
        projects = [project] if project else services.catalog.projects()
        found = [one for name in projects for one in _rejections(services.of(name).videos)]
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in found], indent=2))
    elif found:
        wide.print(rejections_table(found))
    else:
        remark("No file is rejected.")


def _rejections(videos: Videos) -> Iterator[Rejection]:
    after = ""
    while page := videos.rejections(after=after):
        yield from page
        after = page[-1].object_key


def rejections_table(rejections: Iterable[Rejection]) -> Table:
    """Return rejected files with their reasons as a table."""
    table = Table("file", "reason", "since", box=None, pad_edge=False)
    for one in rejections:
        since = f"{one.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(escape(printable(one.object_key)), escape(one.reason), since)
    return table


def _videos_table(rows: Iterable[dict[str, Any]]) -> Table:
    titles = ["video", "good", *(state.value for state in _COLUMNS)]
    table = Table(*titles, box=None, pad_edge=False)
    for row in rows:
        good = f"{row['good']} of {len(Phase)}{'' if row['inspected'] else ', not inspected'}"
        counts = Counter(row["phases"].values())
        table.add_row(row["video"], good, *(str(counts[s.value] or "") for s in _COLUMNS))
    return table


def _rows(project: ProjectCatalog) -> Iterator[dict[str, Any]]:
    """Yield the state of each phase, one row a video."""
    for standing in project.standings.videos():
        states = standing.states
        yield {
            "video": f"{project.project}/{standing.video}",
            "inspected": standing.media is not None,
            "good": sum(state.good for state in states.values()),
            "phases": {phase.value: state.value for phase, state in states.items()},
        }


def _sums(project: ProjectCatalog) -> dict[str, Any]:
    """Return a project's totals and the number of its phases in each state."""
    sums = project.standings.totals()
    states: dict[str, int] = {}
    for (_, state), count in project.standings.counts().items():
        states[state.value] = states.get(state.value, 0) + count
    return {
        "project": project.project,
        "videos": sums.videos,
        "removed": sums.removed,
        "minutes": round(float(sums.seconds) / 60, 2),
        "phases": states,
    }


def _sums_table(sums: Iterable[dict[str, Any]]) -> Table:
    titles = ["project", "videos", "removed", "minutes", "good", *(s.value for s in _COLUMNS)]
    table = Table(*titles, box=None, pad_edge=False)
    for one in sums:
        states = one["phases"]
        good = sum(states.get(state.value, 0) for state in PhaseState if state.good)
        cells = [one["project"], one["videos"], one["removed"] or "", one["minutes"], good]
        table.add_row(*map(str, cells), *(str(states.get(s.value) or "") for s in _COLUMNS))
    return table
