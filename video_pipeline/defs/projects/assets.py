"""The asset of a project, with its tables, and whether each phase was made by today's choices.

A sensor logs both without a run, and only when something has changed: the event log keeps all that
is put into it. The checks belong to this asset and not to the phases': a run that makes a phase
would carry out every check of it, once a video.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from video_pipeline.defs.partitions import PROJECTS, PROJECTS_NAME
from video_pipeline.defs.projects.tables import project_metadata
from video_pipeline.defs.ticks import pipeline_sensor, within
from video_pipeline.domain.phases import SERVED, Phase
from video_pipeline.pipeline.backfill.staleness import counts
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.status.overview import SHOWN, overview

INTERVAL_SECONDS = 30
QUIET_SECONDS = 300
"""A project's tables, and the check of a phase, are logged at most so often."""
SECONDS_A_TICK = 20
"""For how long a tick begins with another project; the rest are looked at first by the next."""
_NEVER = {"at": 0, "seen": 0, "looked": "", "told": "", "stale": {}}

KEY = dg.AssetKey("project")
Stale = Mapping[str, Mapping[Phase, int]]
"""Project to phase to how many results another choice made."""

_SPEC = dg.AssetSpec(
    KEY,
    description="A project: what stands, failed, is parked, stale, rejected, and what was used.",
    group_name="projects",
    kinds={"mongodb"},
    owners=["team:video"],
)


def check_name(phase: Phase) -> str:
    """The check on the results of a phase, of all projects."""
    return f"choice_current_{phase}"


@dg.multi_asset(
    name="project",
    specs=[_SPEC],
    check_specs=[
        dg.AssetCheckSpec(
            check_name(phase),
            asset=KEY,
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
    """Look at once; the sensor looks by itself."""
    services: Services = context.resources.pipeline.services
    found = overview(services, context.partition_key)
    yield dg.MaterializeResult(asset_key=KEY, metadata=project_metadata(found))
    stale = {name: counts(services, name) for name in services.catalog.projects()}
    for phase, by_project in _by_phase(stale).items():
        evaluation = _evaluation(Phase(phase), by_project)
        yield dg.AssetCheckResult(
            asset_key=KEY,
            check_name=evaluation.check_name,
            passed=evaluation.passed,
            severity=evaluation.severity,
            description=evaluation.description,
            metadata=evaluation.metadata,
        )


@pipeline_sensor(
    minimum_interval_seconds=INTERVAL_SECONDS,
    description="Logs how projects stand, and which phases are stale, when that has changed.",
)
def projects(context: dg.SensorEvaluationContext, services: Services) -> dg.SensorResult:
    """Log what changed. The cursor holds what was logged last, and when each project was read."""
    seen: dict[str, Any] = json.loads(context.cursor or "{}")
    known: dict[str, Any] = seen.get("projects", {})
    logged = {name: {**_NEVER, **known.get(name, {})} for name in services.catalog.projects()}
    seen["projects"] = logged
    events = [
        *_changed_projects(context, services, logged),
        *_changed_checks({name: one["stale"] for name, one in logged.items()}, seen, services),
    ]
    told = f"{len(events)} events: what has changed of {len(logged)} projects"
    skip = None if events else dg.SkipReason(told)
    return dg.SensorResult(asset_events=events, cursor=json.dumps(seen), skip_reason=skip)


def _changed_projects(
    context: dg.SensorEvaluationContext, services: Services, logged: dict[str, Any]
) -> Iterator[dg.AssetMaterialization]:
    """Those first that were not looked at for the longest time, as many as there is time for."""
    partitions = context.instance.get_existing_dynamic_partitions(PROJECTS_NAME, list(logged))
    oldest_first = sorted(logged, key=lambda one: logged[one]["seen"])
    for name in within(SECONDS_A_TICK, oldest_first):
        metadata = _look_at(services, name, logged, told_of=name in partitions)
        if metadata is not None:
            yield dg.AssetMaterialization(KEY, partition=name, metadata=metadata)


def _look_at(
    services: Services, name: str, logged: dict[str, Any], *, told_of: bool
) -> dict[str, Any] | None:
    """The project's tables, where they are to be logged."""
    now, stale = services.clock().timestamp(), counts(services, name)
    last = logged[name] = {**logged[name], "seen": now, "stale": stale}
    looked = _glance(services, name, stale)
    if not told_of or looked == last["looked"] or now - last["at"] < QUIET_SECONDS:
        return None
    metadata = project_metadata(overview(services, name))
    told = _hash({key: str(value) for key, value in metadata.items()})
    logged[name] = {**last, "at": now, "looked": looked, "told": told}
    return metadata if told != last["told"] else None


def _glance(services: Services, name: str, stale: Mapping[Phase, int]) -> str:
    """What must change with anything that the tables show; it costs a few looks by index."""
    parts = services.of(name)
    rejected = [(one.object_key, one.reason) for one in parts.videos.rejections()]
    return _hash([parts.events.last(), rejected, sorted(stale.items())])


def _changed_checks(
    stale: Stale, seen: dict[str, Any], services: Services
) -> Iterator[dg.AssetCheckEvaluation]:
    """Of the phases whose counts are others than those told last, and not told of just now."""
    checks: dict[str, Any] = seen.setdefault("checks", {})
    now = services.clock().timestamp()
    for phase, by_project in _by_phase(stale).items():
        told, last = _hash(by_project), checks.get(phase, {"at": 0, "told": ""})
        if told != last["told"] and now - last["at"] >= QUIET_SECONDS:
            checks[phase] = {"at": now, "told": told}
            yield _evaluation(Phase(phase), by_project)


def _by_phase(stale: Stale) -> dict[str, dict[str, int]]:
    """Of each served phase, how many results another choice made, by project."""
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
        asset_key=KEY,
        check_name=check_name(phase),
        passed=not count,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"stale: {count}, by project {{{named}{more}}}" if count else None,
        metadata={"stale": count, "by project": shown, "projects": len(by_project)},
    )


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()[:16]
