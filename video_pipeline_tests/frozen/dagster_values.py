"""Frozen values that Dagster stores: names, tags, run keys and ids, cursors."""

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
from ruamel.yaml import YAML

from video_pipeline.dagster_api.backfills import launch
from video_pipeline.dagster_api.held_runs import held_of
from video_pipeline.dagster_api.tags import KEPT_TAGS
from video_pipeline.definitions import build_defs
from video_pipeline.defs.arrivals.sensor import Cursor, arrivals
from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.defs.parked.held_runs import continuation, hold, mark_handled, release
from video_pipeline.defs.parked.run_requests import RunRequests
from video_pipeline.defs.partitions import (
    PROJECTS,
    PROJECTS_NAME,
    TRY_PROJECT,
    VIDEOS,
    VIDEOS_NAME,
    video_tags,
)
from video_pipeline.defs.projects.sensor import projects
from video_pipeline.defs.resources.providers import RESERVED, provider_resources, resource_keys
from video_pipeline.defs.runs.lost_retries_sensor import lost_retries
from video_pipeline.defs.runs.queue import missing_tags
from video_pipeline.defs.runs.retry_tag import AGAIN_TAG
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase, phase_of
from video_pipeline.domain.source import Due, Source, VideoRecord
from video_pipeline.domain.usage import Meter, Usage
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit, unit_id
from video_pipeline.pipeline.arrivals.listing_sweep import Position
from video_pipeline.pipeline.arrivals.pending_runs import Requested
from video_pipeline.pipeline.arrivals.round import Memory
from video_pipeline.pipeline.backfill.selection import Only, Picked, Wish
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.pipeline.selection.choice import choice_of
from video_pipeline.settings import Settings, load_settings
from video_pipeline_tests.defs.opened import LAUNCHED_FROM, Opened
from video_pipeline_tests.frozen.doubles import LATER, NOW, Instance

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KEY = VideoKey(project="acme", video="trailer")
RUN = "00000000-0000-4000-8000-000000000001"

SETTLED_RENAMES = {"ingest_video": "road"}
"""Dagster names that were changed on purpose, new to old. Here a new name counts as the old one.

A separate migration handles runs that were held or queued under the old name.
"""


@cache
def _settings() -> Settings:
    return load_settings(HERE / "deployment.yaml", {})


@cache
def _definitions() -> dg.Definitions:
    return build_defs(_settings())


def _settled(name: str | None) -> str | None:
    return SETTLED_RENAMES.get(name, name) if name else name


def graph() -> dict[str, Any]:
    """Return everything that Dagster stores by name."""
    repository = _definitions().get_repository_def()
    assets = repository.asset_graph
    return {
        "assets": {
            node.key.to_user_string(): {
                "group": node.group_name,
                "deps": sorted(key.to_user_string() for key in node.parent_keys),
                "partitions": getattr(node.partitions_def, "name", None),
            }
            for node in assets.asset_nodes
        },
        "checks": sorted(
            f"{key.asset_key.to_user_string()}:{key.name}" for key in assets.asset_check_keys
        ),
        "jobs": {
            _settled(job.name): {
                "ops": sorted(node.name for node in job.nodes),
                "tags": dict(job.tags),
                "executor": job.executor_def.name,
                "config": {node.name: _fields(node.definition) for node in job.nodes},
                "resources": {
                    node.name: sorted(node.definition.required_resource_keys) for node in job.nodes
                },
            }
            for job in repository.get_all_jobs()
        },
        "sensors": {
            sensor.name: [_settled(target.job_name) for target in sensor.targets]
            for sensor in repository.sensor_defs
        },
        "schedules": sorted(schedule.name for schedule in repository.schedule_defs),
        "resources": sorted(repository.get_top_level_resources()),
        "reserved resources": sorted(RESERVED),
        "resources of entries": resource_keys(
            ["cuts", "cuts-by-content", "a b", "1st", "class", "ß"]
        ),
        "partitions": [VIDEOS_NAME, VIDEOS.name, PROJECTS_NAME, PROJECTS.name],
        "project of try": TRY_PROJECT,
        "repository": repository.name,
        "locations": YAML(typ="safe").load((ROOT / "workspace.yaml").read_text()),
    }


def _fields(op: Any) -> Any:
    """Return the config fields of an op, with defaults: held runs and backfills store them."""
    kind = op.config_field.config_type if op.config_field else None
    return {
        name: [field.is_required, field.default_value if field.default_provided else None]
        for name, field in sorted(getattr(kind, "fields", {}).items())
    }


def resources() -> dict[str, Any]:
    """Return the choice hashes of plugins that are created from resources, as in a run."""
    context = dg.build_init_resource_context()
    made: dict[str, Any] = {
        name: one.create_resource(context) for name, one in provider_resources(_settings()).items()
    }
    return {
        name: {
            phase: choice_of(plugin, phase, "de")
            for phase in dict.fromkeys(map(phase_of, plugin.capabilities().kinds))
            or [Phase.TRANSCRIPT]
        }
        for name, plugin in made.items()
    }


_ASSETS = frozenset(map(asset_key, Phase))
_JOB = SimpleNamespace(asset_layer=SimpleNamespace(selected_asset_keys=_ASSETS))
_REPOSITORY: Any = SimpleNamespace(has_job=lambda _: True, get_job=lambda _: _JOB)


def tags() -> dict[str, Any]:
    """Return the keys and values of the tags of runs and backfills."""
    instance: Any = Instance([])
    release(instance, _REPOSITORY, [RUN])
    units = {"video_pipeline/units": "a,b", "dagster/partition": str(KEY), "dagster/backfill": "b"}
    held = held_of(RUN, units)
    mark_handled(instance, held, with_backfill=True)
    mark_handled(instance, held, with_backfill=False)
    run: Any = SimpleNamespace(tags={"dagster/partition": str(KEY)})
    return {
        "of a video": video_tags(KEY),
        "added by the queue": missing_tags(run),
        "kept": sorted(KEPT_TAGS),
        "what became of a held run": instance.tagged,
        "read of a held run": [held.run_id, held.partition, sorted(held.units), held.backfill],
        "made again": AGAIN_TAG,
        "limits of dagster.yaml": _limits(),
    }


def _limits() -> Any:
    told = YAML(typ="safe").load((ROOT / "dagster.yaml").read_text())
    return told["run_coordinator"]["config"]["tag_concurrency_limits"]


def runs() -> dict[str, Any]:
    """Return ids, keys, tags, assets and config of created or requested runs, and the cursors."""
    return {
        "held": _held(),
        "made again": _made_again(),
        "arrival": _arrival(),
        "completion": _completion(),
        "goes on": {
            phase: sorted(key.to_user_string() for key in continuation([phase])) for phase in Phase
        },
        "backfills": _backfills(),
        "cursor of projects": _cursor_of_projects(),
    }


def _held() -> Any:
    instance: Any = Instance(_limits())
    run = SimpleNamespace(
        run_id=RUN,
        job_name="ingest_video",
        root_run_id=None,
        run_config={},
        job_code_origin=None,
        remote_job_origin=LAUNCHED_FROM,
        tags={**dict.fromkeys(KEPT_TAGS, "kept"), "another": "left"},
    )
    context: Any = SimpleNamespace(run=run, instance=instance, repository_def=_REPOSITORY)
    hold(context, [Phase.SHOTS], {"b", "a"})
    hold(context, [Phase.TRANSCRIPT, Phase.EVENTS], {"c"})
    told = ("run_id", "tags", "root_run_id", "parent_run_id")
    return [
        {name: made[name] for name in told}
        | {"assets": sorted(key.to_user_string() for key in made["asset_selection"])}
        for made in instance.made
    ]


def _made_again() -> Any:
    """Return the run that replaces a failed one that Dagster could not retry."""
    lost = {"dagster/will_retry": "false", "dagster/max_retries": "2", "dagster/backfill": "b"}
    definitions = _definitions()
    name = next(
        job.name
        for job in definitions.get_repository_def().get_all_jobs()
        if _settled(job.name) == "road"
    )
    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(
            definitions.resolve_job_def(name),
            run_id=RUN,
            tags={**lost, **video_tags(KEY)},
            remote_job_origin=LAUNCHED_FROM,
        )
        instance.report_run_failed(run)
        with dg.build_sensor_context(instance=instance, definitions=definitions) as context:
            lost_retries(context)
        made = [one for one in instance.get_runs() if one.run_id != RUN]
        before = instance.get_run_by_id(RUN)
        assert before is not None
        noted = {k: v for k, v in before.tags.items() if k.startswith("dagster/auto")}
        return [[one.run_id, _without_dagsters(one.tags)] for one in made] + [noted]


def _without_dagsters(found: Any) -> dict[str, str]:
    """Return the tags without Dagster's own, which change with its version."""
    ours = ("video_pipeline/", "dagster/backfill", "dagster/root", "dagster/parent")
    return {key: value for key, value in sorted(found.items()) if key.startswith(ours)}


def _arrival() -> Any:
    source = Source(key=KEY, object_key="k", name="trailer", version="etag:e1:5", size=5)
    record = VideoRecord(source=source, arrived_at=NOW, due=Due.RUN)
    half = SimpleNamespace(due=lambda what, most: [record], count_due=lambda what: 1)
    acme = SimpleNamespace(project="acme", arrivals=half)
    catalog = SimpleNamespace(projects=lambda: ["acme"], each=lambda: [acme])
    memory = Memory(
        position=Position(after="projects/a", began=NOW, ended=LATER, keys=5),
        pending={"projects/a": "v1"},
        requested=(Requested(key=KEY, arrived_at=NOW),),
    )
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, cursor="{}")
        result: Any = arrivals(context, pipeline=_opened(SimpleNamespace(catalog=catalog)))
        keys = {
            name: list(instance.get_dynamic_partitions(name))
            for name in (VIDEOS_NAME, PROJECTS_NAME)
        }
    return {
        "requests": list(map(_request, result.run_requests)),
        # Without the pace of requests, which a new cursor finds again.
        "cursor": Cursor.model_validate_json(result.cursor).model_dump_json(exclude={"portion"}),
        "a full cursor": memory.model_dump_json(),
        "read again": Memory.model_validate_json(memory.model_dump_json()) == memory,
        "partitions": keys,
    }


def _opened(services: Any) -> Any:
    return Opened(services)


def _request(one: Any) -> Any:
    assets = sorted(key.to_user_string() for key in one.asset_selection or ())
    mine = {k: v for k, v in one.tags.items() if k.startswith("video_pipeline/")}
    return [one.run_key, one.partition_key, mine, assets, one.run_config]


def _completion() -> Any:
    request = WorkRequest(
        key=KEY, content="5a" * 32, provider="jobs", plugin="p", account="a", region="r",
        operation="o", phases=(Phase.SHOTS, Phase.EVENTS), kinds=("shot", "black"),
        parameters={"options": {}}, model="",
    )  # fmt: skip
    usage = Usage(meter=Meter.VIDEO_SECONDS, quantity=Fraction(1), paid=True)
    unit = WorkUnit(
        id=unit_id(request, 0), request=request, generation=0, state=UnitState.RUNNING,
        planned=(usage,), created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    project = SimpleNamespace(results=SimpleNamespace(statuses=lambda video: {}))
    choices = Choices(phases={Phase.SHOTS: PhaseChoice(providers=("jobs",))})
    services: Any = SimpleNamespace(of=lambda _: project, plugins={"jobs": None}, choices=choices)
    with dg.DagsterInstance.ephemeral() as instance:
        requests = RunRequests(instance, services, lambda _: False, ())
        return list(map(_request, requests.of([unit])))


def _backfills() -> Any:
    asked: list[Any] = []

    def ask(_: str, variables: Any) -> Any:
        if "asset" in variables:
            node = {"__typename": "AssetNode", "partitionKeys": [str(KEY)]}
            return {"assetNodeOrError": node}
        asked.append(variables["params"])
        launched = {"__typename": "LaunchBackfillSuccess", "backfillId": "b"}
        return {"launchPartitionBackfill": launched}

    phases = frozenset({Phase.SHOTS, Phase.TRANSCRIPT})
    for only in Only:
        if only is Only.UNMATERIALIZED:
            continue  # launches no backfill
        launch(ask, Wish("acme", only=only), [Picked(KEY, frozenset(Phase), frozenset())])
    wish = Wish("acme", phases, Only.ALL, force=True)
    launch(ask, wish, [Picked(KEY, phases, phases)], {Phase.SHOTS: "cuts"})
    prose = ("title", "description")
    return [{k: v for k, v in one.items() if k not in prose} for one in asked]


def _cursor_of_projects() -> Any:
    services = SimpleNamespace(
        catalog=SimpleNamespace(projects=list, each=list), clock=lambda: NOW, choices=Choices()
    )
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance)
        result: Any = projects(context, pipeline=_opened(services))
        return result.cursor


DAGSTER_GROUPS: dict[str, Callable[[], Any]] = {
    "graph": graph,
    "resources": resources,
    "tags": tags,
    "runs": runs,
}
