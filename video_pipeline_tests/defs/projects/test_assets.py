"""The assets of a project and of all, materialized by hand, and the checks of stale results."""

from collections.abc import Callable

import dagster as dg
import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.defs.partitions import PROJECTS_NAME
from video_pipeline.defs.projects.assets import (
    OVERVIEW_EVERY,
    all_projects,
    check_name,
    evaluated,
    project,
)
from video_pipeline.defs.projects.sensor import INTERVAL_SECONDS
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import SERVED, Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.status.overview import SHOWN
from video_pipeline_tests.defs.conftest import NOW, TALK
from video_pipeline_tests.defs.opened import Opened


@pytest.fixture
def failed(instance: dg.DagsterInstance, catalog: Catalog, job_of: Callable[..., WorkUnit]) -> None:
    """Fail a phase of globex; acme has a video too."""
    job_of(TALK)
    job_of(VideoKey.parse("globex/talk"))
    instance.add_dynamic_partitions(PROJECTS_NAME, ["acme", "globex"])
    catalog.project("globex").events.record("talk", Phase.SHOTS, PhaseState.FAILED, NOW)


def test_check_names_some_projects_and_counts_others() -> None:
    by_project = {f"p{number}": 1 for number in range(SHOWN + 7)} | {"most": 9}
    told = evaluated(Phase.SHOTS, by_project)
    assert told.description is not None
    assert told.description.startswith(f"stale: {SHOWN + 16}, by project {{most: 9, ")
    assert told.description.endswith(", and 8 more}")


@pytest.mark.usefixtures("failed")
def test_project_can_be_materialized_by_hand(stage: Opened, instance: dg.DagsterInstance) -> None:
    ended = dg.materialize(
        [project], partition_key="globex", instance=instance, resources={"pipeline": stage}
    )
    (made,) = ended.asset_materializations_for_node("project")
    assert made.partition == "globex" and made.metadata["need you"].value == 1
    assert {e.check_name for e in ended.get_asset_check_evaluations()} == set(
        map(check_name, SERVED)
    )


@pytest.mark.usefixtures("failed")
def test_overview_can_be_materialized_by_hand(stage: Opened, instance: dg.DagsterInstance) -> None:
    ended = dg.materialize([all_projects], instance=instance, resources={"pipeline": stage})
    (made,) = ended.asset_materializations_for_node("overview")
    assert made.metadata["summary"].value == "1 of 2 videos needs you, in 2 projects"


def test_overview_stays_fresh_while_the_sensor_works() -> None:
    (spec,) = all_projects.specs
    assert spec.freshness_policy == dg.FreshnessPolicy.time_window(2 * OVERVIEW_EVERY)
    assert OVERVIEW_EVERY.total_seconds() > INTERVAL_SECONDS
