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

from video_pipeline.defs.deployment import Deployment
from video_pipeline.defs.partitions import PROJECTS, PROJECTS_NAME
from video_pipeline.defs.project_tables import project_metadata
from video_pipeline.domain.errors import CatalogUnavailable
from video_pipeline.domain.phases import SERVED, Phase
from video_pipeline.pipeline.overview import overview
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.stale import counts

INTERVAL_SECONDS = 30
QUIET_SECONDS = 300
"""A project's tables are logged at most so often."""

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
    for evaluation in _evaluations(_by_phase(stale)):
        yield dg.AssetCheckResult(
            asset_key=KEY,
            check_name=evaluation.check_name,
            passed=evaluation.passed,
            severity=evaluation.severity,
            description=evaluation.description,
            metadata=evaluation.metadata,
        )


@dg.sensor(
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Logs how projects stand, and which phases are stale, when that has changed.",
)
def projects(
    context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Deployment]
) -> dg.SensorResult | dg.SkipReason:
    """The cursor is what was logged last."""
    pipeline.renew()
    seen: dict[str, Any] = json.loads(context.cursor or "{}")
    try:
        services = pipeline.services
        stale = {name: counts(services, name) for name in services.catalog.projects()}
        events = [
            *_changed_projects(context, services, stale, seen),
            *_changed_checks(stale, seen),
        ]
    except CatalogUnavailable as error:
        pipeline.close()
        return dg.SkipReason(str(error))
    told = f"{len(events)} events: what has changed of {len(seen.get('projects', {}))} projects"
    skip = None if events else dg.SkipReason(told)
    return dg.SensorResult(asset_events=events, cursor=json.dumps(seen), skip_reason=skip)


def _changed_projects(
    context: dg.SensorEvaluationContext, services: Services, stale: Stale, seen: dict[str, Any]
) -> Iterator[dg.AssetMaterialization]:
    logged: dict[str, Any] = seen.setdefault("projects", {})
    now = services.clock().timestamp()
    known = frozenset(context.instance.get_dynamic_partitions(PROJECTS_NAME))
    for name, of_project in stale.items():
        last = logged.get(name, {"at": 0, "looked": "", "told": ""})
        looked = _glance(services, name, of_project)
        if name not in known or looked == last["looked"] or now - last["at"] < QUIET_SECONDS:
            continue
        metadata = project_metadata(overview(services, name))
        told = _hash({key: str(value) for key, value in metadata.items()})
        logged[name] = {"at": now, "looked": looked, "told": told}
        if told != last["told"]:
            yield dg.AssetMaterialization(KEY, partition=name, metadata=metadata)


def _glance(services: Services, name: str, stale: Mapping[Phase, int]) -> str:
    """What must change with anything that the tables show; it costs a few looks by index."""
    parts = services.of(name)
    rejected = [(one.object_key, one.reason) for one in parts.videos.rejections()]
    return _hash([parts.events.last(), rejected, sorted(stale.items())])


def _changed_checks(stale: Stale, seen: dict[str, Any]) -> Iterator[dg.AssetCheckEvaluation]:
    by_phase, before = _by_phase(stale), seen.get("stale", {})
    seen["stale"] = by_phase
    return _evaluations({p: told for p, told in by_phase.items() if before.get(p) != told})


def _by_phase(stale: Stale) -> dict[str, dict[str, int]]:
    """Of each served phase, how many results another choice made, by project."""
    return {
        phase.value: {name: of[phase] for name, of in stale.items() if phase in of}
        for phase in SERVED
    }


def _evaluations(by_phase: Mapping[str, Mapping[str, int]]) -> Iterator[dg.AssetCheckEvaluation]:
    for phase, by_project in by_phase.items():
        count = sum(by_project.values())
        shown = ", ".join(f"{name}: {number}" for name, number in by_project.items())
        yield dg.AssetCheckEvaluation(
            asset_key=KEY,
            check_name=check_name(Phase(phase)),
            passed=not count,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"stale: {count}, by project {{{shown}}}" if count else None,
            metadata={"stale": count, "by project": dict(by_project)},
        )


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()[:16]
