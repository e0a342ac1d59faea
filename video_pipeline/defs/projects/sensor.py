"""The sensor that logs the tables and checks of projects without a run, when they have changed.

The event log keeps every event. A change is logged at the next tick, so tables are at most one
interval old. While a phase of the project runs, more changes follow: they are logged once a minute.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.defs.asset_keys import OVERVIEW, PROJECT
from video_pipeline.defs.partitions import PROJECTS_NAME
from video_pipeline.defs.projects.assets import OVERVIEW_EVERY, Stale, by_phase, evaluated
from video_pipeline.defs.projects.tables import AS_OF, overview_metadata, project_metadata, row_of
from video_pipeline.defs.runs.interruption import report_interrupted_runs
from video_pipeline.defs.ticks import pipeline_sensor, within
from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.backfill.staleness import counts
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.status.overview import overview

INTERVAL_SECONDS = 30
# The least time between two events of a project whose phases run, or of one check.
QUIET_SECONDS = 60
# For how long a tick begins with another project. The next tick begins with the rest.
SECONDS_A_TICK = 20
_NEVER = {"at": 0, "seen": 0, "looked": "", "told": "", "stale": {}, "row": None}

# What the cursor holds of each project: when it was read and logged, and what was logged.
Logged = dict[str, dict[str, Any]]


@pipeline_sensor(
    minimum_interval_seconds=INTERVAL_SECONDS,
    description="Reports interrupted phases. Logs the tables of projects, their overview and their "
    "stale phases when these have changed.",
)
def projects(context: dg.SensorEvaluationContext, services: Services) -> dg.SensorResult:
    """Report interrupted phases, and log what changed.

    The cursor holds what was logged last, and when each project was read.
    """
    ended = report_interrupted_runs(context.instance, services.catalog, services.clock())
    if ended:
        context.log.info(f"{ended} phases were interrupted: no run continues them")
    seen: dict[str, Any] = json.loads(context.cursor or "{}")
    known: dict[str, Any] = seen.get("projects", {})
    # A project whose last video was deleted is logged without it, once.
    names = sorted({*services.catalog.projects(), *known})
    logged = {name: {**_NEVER, **known.get(name, {})} for name in names}
    seen["projects"] = logged
    tables = list(_changed_projects(context, services, logged))
    events = [
        *tables,
        *_changed_checks({name: one["stale"] for name, one in logged.items()}, seen, services),
        *_changed_overview(tables, logged, seen, services),
    ]
    skip = None if events else dg.SkipReason(f"nothing has changed in {len(logged)} projects")
    return dg.SensorResult(asset_events=events, cursor=json.dumps(seen), skip_reason=skip)


def _changed_projects(
    context: dg.SensorEvaluationContext, services: Services, logged: Logged
) -> Iterator[dg.AssetMaterialization]:
    """Yield the changed tables, of the projects read longest ago first, until the time is up."""
    partitions = context.instance.get_existing_dynamic_partitions(PROJECTS_NAME, list(logged))
    oldest_first = sorted(logged, key=lambda one: logged[one]["seen"])
    for name in within(SECONDS_A_TICK, oldest_first):
        metadata = _changed_tables(services, name, logged, is_shown=name in partitions)
        if metadata is not None:
            yield dg.AssetMaterialization(PROJECT, partition=name, metadata=metadata)


def _changed_tables(
    services: Services, name: str, logged: Logged, *, is_shown: bool
) -> dict[str, Any] | None:
    """Return the project's tables if they are to be logged now.

    Projects that Dagster does not show, as they have no partition, are read for the overview.
    """
    now, stale, catalog = services.clock(), counts(services, name), services.of(name)
    last = logged[name] = {**logged[name], "seen": now.timestamp(), "stale": stale}
    looked = _hash([_state_of(catalog, stale), is_shown])
    too_soon = now.timestamp() - last["at"] < QUIET_SECONDS
    if looked == last["looked"] or (too_soon and catalog.standings.is_running()):
        return None
    found = overview(services, name)
    metadata = project_metadata(found, now)
    told = _hash({key: str(value) for key, value in metadata.items() if key != AS_OF})
    changed = is_shown and told != last["told"]
    logged[name] = {**last, "at": now.timestamp(), "looked": looked, "row": row_of(found)}
    if changed:
        logged[name]["told"] = told
    return metadata if changed else None


def _state_of(catalog: ProjectCatalog, stale: Mapping[Phase, int]) -> list[Any]:
    """Return what changes with anything in the tables; it costs a few indexed queries."""
    rejected = [(one.object_key, one.reason) for one in catalog.videos.rejections()]
    videos = catalog.standings.totals().model_dump(mode="json")  # a removal is no event
    return [catalog.events.last(), videos, rejected, sorted(stale.items())]


def _changed_checks(
    stale: Stale, seen: dict[str, Any], services: Services
) -> Iterator[dg.AssetCheckEvaluation]:
    """Yield the checks whose counts have changed since they were logged, some time ago."""
    checks: dict[str, Any] = seen.setdefault("checks", {})
    now = services.clock().timestamp()
    for phase, by_project in by_phase(stale).items():
        told, last = _hash(by_project), checks.get(phase, {"at": 0, "told": ""})
        if told != last["told"] and now - last["at"] >= QUIET_SECONDS:
            checks[phase] = {"at": now, "told": told}
            yield evaluated(Phase(phase), by_project)


def _changed_overview(
    tables: Sequence[object], logged: Logged, seen: dict[str, Any], services: Services
) -> Iterator[dg.AssetMaterialization]:
    """Yield the overview if a number has changed, or as a sign that the sensor works.

    It also follows the `tables` of this tick: Dagster would show it as stale. It waits until each
    project was read once.
    """
    now, rows = services.clock(), {name: one["row"] for name, one in logged.items()}
    told, last = _hash(rows), seen.get("overview", {"at": 0, "told": ""})
    due = now.timestamp() - last["at"] >= OVERVIEW_EVERY.total_seconds()
    if all(rows.values()) and (tables or due or told != last["told"]):
        seen["overview"] = {"at": now.timestamp(), "told": told}
        yield dg.AssetMaterialization(OVERVIEW, metadata=overview_metadata(rows, now))


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()[:16]
