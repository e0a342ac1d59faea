"""The asset of a project: its tables, and a check a phase of whether its results are current.

A sensor logs both without a run, and only when something has changed: the event log keeps every
event. The checks belong to this asset, not to the phases' assets: a run of a phase would execute
the check for each video.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.defs.asset_keys import PROJECT
from video_pipeline.defs.partitions import PROJECTS, PROJECTS_NAME
from video_pipeline.defs.projects.tables import project_metadata
from video_pipeline.defs.runs.interruption import report_interrupted_runs
from video_pipeline.defs.ticks import pipeline_sensor, within
from video_pipeline.domain.phases import SERVED, Phase
from video_pipeline.pipeline.backfill.staleness import counts
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.status.overview import SHOWN, overview

INTERVAL_SECONDS = 30
# The least time between two events of one project's tables, or of one check.
QUIET_SECONDS = 300
# For how long a tick begins with another project. The next tick begins with the rest.
SECONDS_A_TICK = 20
_NEVER = {"at": 0, "seen": 0, "looked": "", "told": "", "stale": {}}

# Project to phase to the number of stale results.
Stale = Mapping[str, Mapping[Phase, int]]

_SPEC = dg.AssetSpec(
    PROJECT,
    description="A project: what is done, failed, parked, stale or rejected, and its usage.",
    group_name="projects",
    kinds={"mongodb"},
    owners=["team:video"],
)


def check_name(phase: Phase) -> str:
    """Return the name of the check on a phase's results of all projects."""
    return f"choice_current_{phase}"


@dg.multi_asset(
    name="project",
    specs=[_SPEC],
    check_specs=[
        dg.AssetCheckSpec(
            check_name(phase),
            asset=PROJECT,
            description=f"Every result of {phase} was made by a provider, model and options that "
            "its project would choose today.",
        )
        for phase in SERVED
    ],
    partitions_def=PROJECTS,
    can_subset=True,
    required_resource_keys={"pipeline"},
)
def project(
    context: dg.AssetExecutionContext,
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Materialize the tables and the checks now; the sensor does so by itself."""
    services: Services = context.resources.pipeline.services
    found = overview(services, context.partition_key)
    yield dg.MaterializeResult(asset_key=PROJECT, metadata=project_metadata(found))
    stale = {name: counts(services, name) for name in services.catalog.projects()}
    for phase, by_project in _by_phase(stale).items():
        evaluation = _evaluation(Phase(phase), by_project)
        yield dg.AssetCheckResult(
            asset_key=PROJECT,
            check_name=evaluation.check_name,
            passed=evaluation.passed,
            severity=evaluation.severity,
            description=evaluation.description,
            metadata=evaluation.metadata,
        )


@pipeline_sensor(
    minimum_interval_seconds=INTERVAL_SECONDS,
    description="Reports interrupted phases. Logs the tables of projects and their stale phases "
    "when these have changed.",
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
    events = [
        *_changed_projects(context, services, logged),
        *_changed_checks({name: one["stale"] for name, one in logged.items()}, seen, services),
    ]
    skip = None if events else dg.SkipReason(f"nothing has changed in {len(logged)} projects")
    return dg.SensorResult(asset_events=events, cursor=json.dumps(seen), skip_reason=skip)


def _changed_projects(
    context: dg.SensorEvaluationContext, services: Services, logged: dict[str, Any]
) -> Iterator[dg.AssetMaterialization]:
    """Yield the changed tables, of the projects read longest ago first, until the time is up."""
    partitions = context.instance.get_existing_dynamic_partitions(PROJECTS_NAME, list(logged))
    oldest_first = sorted(logged, key=lambda one: logged[one]["seen"])
    for name in within(SECONDS_A_TICK, oldest_first):
        metadata = _changed_tables(services, name, logged, is_logged=name in partitions)
        if metadata is not None:
            yield dg.AssetMaterialization(PROJECT, partition=name, metadata=metadata)


def _changed_tables(
    services: Services, name: str, logged: dict[str, Any], *, is_logged: bool
) -> dict[str, Any] | None:
    """Return the project's tables if they are to be logged now."""
    now, stale = services.clock().timestamp(), counts(services, name)
    last = logged[name] = {**logged[name], "seen": now, "stale": stale}
    looked = _state_hash(services.of(name), stale)
    if not is_logged or looked == last["looked"] or now - last["at"] < QUIET_SECONDS:
        return None
    metadata = project_metadata(overview(services, name))
    told = _hash({key: str(value) for key, value in metadata.items()})
    logged[name] = {**last, "at": now, "looked": looked, "told": told}
    return metadata if told != last["told"] else None


def _state_hash(catalog: ProjectCatalog, stale: Mapping[Phase, int]) -> str:
    """Return a hash that changes with anything in the tables; it costs a few indexed queries."""
    rejected = [(one.object_key, one.reason) for one in catalog.videos.rejections()]
    videos = catalog.standings.totals().model_dump(mode="json")  # a removal is no event
    return _hash([catalog.events.last(), videos, rejected, sorted(stale.items())])


def _changed_checks(
    stale: Stale, seen: dict[str, Any], services: Services
) -> Iterator[dg.AssetCheckEvaluation]:
    """Yield the checks whose counts have changed since they were logged, some time ago."""
    checks: dict[str, Any] = seen.setdefault("checks", {})
    now = services.clock().timestamp()
    for phase, by_project in _by_phase(stale).items():
        told, last = _hash(by_project), checks.get(phase, {"at": 0, "told": ""})
        if told != last["told"] and now - last["at"] >= QUIET_SECONDS:
            checks[phase] = {"at": now, "told": told}
            yield _evaluation(Phase(phase), by_project)


def _by_phase(stale: Stale) -> dict[str, dict[str, int]]:
    """Return for each served phase the number of stale results by project."""
    return {
        phase.value: {name: of[phase] for name, of in stale.items() if phase in of}
        for phase in SERVED
    }


def _evaluation(phase: Phase, by_project: Mapping[str, int]) -> dg.AssetCheckEvaluation:
    count = sum(by_project.values())
    most = sorted(by_project, key=lambda name: (-by_project[name], name))[:SHOWN]
    shown = {name: by_project[name] for name in most}
    others = len(by_project) - len(shown)
    named = ", ".join(f"{name}: {number}" for name, number in shown.items())
    more = f", and {others} more" if others else ""
    return dg.AssetCheckEvaluation(
        asset_key=PROJECT,
        check_name=check_name(phase),
        passed=not count,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"stale: {count}, by project {{{named}{more}}}" if count else None,
        metadata={"stale": count, "by project": shown, "projects": len(by_project)},
    )


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()[:16]
