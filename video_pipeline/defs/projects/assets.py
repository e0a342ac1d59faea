"""The assets of a project and of all projects: their tables, and whether results are current.

The checks belong to the asset `project`, not to the phases' assets: a run of a phase would execute
the check for each video.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import dagster as dg

from video_pipeline.defs.asset_keys import OVERVIEW, PROJECT
from video_pipeline.defs.partitions import PROJECTS
from video_pipeline.defs.projects.tables import overview_metadata, project_metadata, row_of
from video_pipeline.domain.phases import SERVED, Phase
from video_pipeline.pipeline.backfill.staleness import counts
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.status.overview import SHOWN, overview

# The sensor logs the overview at least so often, as a sign that it works.
OVERVIEW_EVERY = timedelta(hours=1)
# Project to phase to the number of stale results.
Stale = Mapping[str, Mapping[Phase, int]]

_SPEC = dg.AssetSpec(
    PROJECT,
    description="A project: which videos need a person, what is at work, stale or rejected, and "
    "its usage.",
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
    tables = project_metadata(overview(services, context.partition_key), services.clock())
    yield dg.MaterializeResult(asset_key=PROJECT, metadata=tables)
    stale = {name: counts(services, name) for name in services.catalog.projects()}
    for phase, by_project in by_phase(stale).items():
        evaluation = evaluated(Phase(phase), by_project)
        yield dg.AssetCheckResult(
            asset_key=PROJECT,
            check_name=evaluation.check_name,
            passed=evaluation.passed,
            severity=evaluation.severity,
            description=evaluation.description,
            metadata=evaluation.metadata,
        )


@dg.asset(
    key=OVERVIEW,
    deps=[PROJECT],
    description="All projects, for the operator: which need a person, and what is at work, stale "
    "or rejected. Not fresh if the sensor projects has stopped.",
    group_name="projects",
    kinds={"mongodb"},
    owners=["team:video"],
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=2 * OVERVIEW_EVERY),
    required_resource_keys={"pipeline"},
)
def all_projects(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    """Materialize the table of all projects now; the sensor does so by itself."""
    services: Services = context.resources.pipeline.services
    rows = {name: row_of(overview(services, name)) for name in services.catalog.projects()}
    return dg.MaterializeResult(metadata=overview_metadata(rows, services.clock()))


def by_phase(stale: Stale) -> dict[str, dict[str, int]]:
    """Return for each served phase the number of stale results by project."""
    return {
        phase.value: {name: of[phase] for name, of in stale.items() if phase in of}
        for phase in SERVED
    }


def evaluated(phase: Phase, by_project: Mapping[str, int]) -> dg.AssetCheckEvaluation:
    """Return the check of a phase by its stale results: it warns if there are any."""
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
