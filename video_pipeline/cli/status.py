"""`status`: where every video stands, and what no video could be made of."""

import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from video_pipeline.catalog.interface import Catalog
from video_pipeline.cli.configured import settings_of
from video_pipeline.cli.console import out, whole
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.source import Rejection
from video_pipeline.wiring import open_services

_COLUMNS = (PhaseState.RUNNING, PhaseState.PARKED, PhaseState.WAITING, PhaseState.FAILED)


def status(
    context: typer.Context,
    project: Annotated[str | None, typer.Option(help="Of this project only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show where every video stands, and what was rejected."""
    with open_services(settings_of(context), plugins={}) as services:
        projects = [project] if project else services.catalog.projects()
        rows = [row for name in projects for row in _rows(services.catalog, name)]
        rejected = [r for name in projects for r in services.of(name).videos.rejections()]
    if as_json:
        rejections = [rejection.model_dump(mode="json") for rejection in rejected]
        typer.echo(json.dumps({"videos": rows, "rejections": rejections}, indent=2))
        return
    if rows:
        whole.print(_videos_table(rows))
    if rejected:
        out.print("\n[bold]rejected[/]")
        whole.print(rejections_table(rejected))
    if not rows and not rejected:
        out.print("No video has arrived yet.")


def rejections_table(rejections: Iterable[Rejection]) -> Table:
    """What no video can be made of, and why."""
    table = Table("file", "reason", "since", box=None, pad_edge=False)
    for one in rejections:
        since = f"{one.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(escape(one.object_key), escape(one.reason), since)
    return table


def _videos_table(rows: Iterable[dict[str, Any]]) -> Table:
    titles = ["video", "good", *(state.value for state in _COLUMNS)]
    table = Table(*titles, box=None, pad_edge=False)
    for row in rows:
        table.add_row(row["video"], f"{row['good']} of {len(Phase)}", *map(_count(row), _COLUMNS))
    return table


def _rows(catalog: Catalog, project: str) -> list[dict[str, Any]]:
    """A row for each video of a project: how many phases are in each state."""
    parts = catalog.project(project)
    rows = {r["video"]: r for r in map(_empty, _videos(catalog, project))}
    for video, status in parts.results.all_statuses():
        row = rows.get(f"{project}/{video}")
        if row:
            row["good"] += status.state.good
            row["phases"][status.phase.value] = status.state.value
    return list(rows.values())


def _videos(catalog: Catalog, project: str) -> list[str]:
    videos, after = list[str](), ""
    while page := catalog.project(project).videos.listing(after):
        videos += [str(record.key) for record in page]
        after = page[-1].key.video
    return videos


def _empty(video: str) -> dict[str, Any]:
    return {"video": video, "good": 0, "phases": {}}


def _count(row: dict[str, Any]) -> Any:
    return lambda state: str(list(row["phases"].values()).count(state.value) or "")
