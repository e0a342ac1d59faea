"""The whole graph in Dagster as one readable document, so that each change is a reviewed diff.

`python -m video_pipeline_tests.graph` writes graph.json beside this file again.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

import video_pipeline
from video_pipeline.definitions import build_defs
from video_pipeline.settings import load_settings

ROOT = Path(__file__).resolve().parents[1]
SNAPSHOT = Path(__file__).with_name("graph.json")
# Every run tag of our own is written as one literal somewhere in the package.
_TAG = re.compile(r'"(video_pipeline/[a-z_]+)"')

Graph = dict[str, Any]


def shipped() -> dg.Definitions:
    """Return the definitions of the pipeline.yaml in the checkout."""
    return build_defs(load_settings(ROOT / "pipeline.yaml", {}))


def graph_of(defs: dg.Definitions) -> Graph:
    """Return all that people and other tools see of these definitions, as plain values."""
    repository = defs.get_repository_def()
    assets = defs.resolve_asset_graph()
    nodes = sorted(assets.asset_nodes, key=lambda node: node.key)
    return {
        "assets": {node.key.to_user_string(): _asset(defs, node.key) for node in nodes},
        "jobs": {
            job.name: _job(job)
            for job in sorted(repository.get_all_jobs(), key=lambda job: job.name)
            if not job.name.startswith("__")
        },
        "sensors": {
            sensor.name: {
                "description": sensor.description,
                "interval_seconds": sensor.minimum_interval_seconds,
                "starts": sensor.default_status.value,
                "targets": _listed(target.job_name for target in sensor.targets),
                "resources": _listed(sensor.required_resource_keys),
            }
            for sensor in sorted(repository.sensor_defs, key=lambda sensor: sensor.name)
        },
        "schedules": {
            schedule.name: {
                "description": schedule.description,
                "cron": str(schedule.cron_schedule),
                "starts": schedule.default_status.value,
                "job": schedule.job_name,
            }
            for schedule in sorted(repository.schedule_defs, key=lambda one: one.name)
        },
        "resources": _listed(repository.get_top_level_resources()),
        "partitions": _listed({_partitions(n.partitions_def) for n in nodes if n.partitions_def}),
        "run_tags": own_tags(),
    }


def own_tags() -> list[str]:
    """Return the names of the run tags that the package writes or reads."""
    sources = Path(video_pipeline.__file__).parent.rglob("*.py")
    return sorted({tag for path in sources for tag in _TAG.findall(path.read_text())})


def text_of(graph: Graph) -> str:
    """Return the document as it is committed."""
    return json.dumps(graph, indent=2, ensure_ascii=False) + "\n"


def _asset(defs: dg.Definitions, key: dg.AssetKey) -> Graph:
    graph = defs.resolve_asset_graph()
    node = graph.get(key)
    columns = node.metadata.get("dagster/column_schema")
    checks = {check.name: graph.get(check) for check in sorted(node.check_keys)}
    return {
        "description": node.description,
        "group": node.group_name,
        "kinds": _listed(node.kinds),
        "owners": _listed(node.owners),
        "needs": _listed(parent.to_user_string() for parent in node.parent_keys),
        "partitions": _partitions(node.partitions_def),
        "columns": {c.name: f"{c.type}: {c.description}" for c in columns.columns}
        if isinstance(columns, dg.TableSchema)
        else {},
        "checks": {
            name: f"{'' if check.partitions_def else 'unpartitioned: '}{check.description}"
            for name, check in checks.items()
        },
    }


def _job(job: dg.JobDefinition) -> Graph:
    return {
        "description": job.description,
        "executor": job.executor_def.name,
        "tags": dict(job.tags),
        "partitions": _partitions(job.partitions_def),
        "selection": _listed(key.to_user_string() for key in job.asset_layer.selected_asset_keys),
        "steps": {name: _step(job, name) for name in sorted(job.graph.node_dict)},
    }


def _step(job: dg.JobDefinition, name: str) -> Graph:
    step = job.graph.node_dict[name].definition
    assert isinstance(step, dg.OpDefinition)
    schema = step.config_schema
    fields: Mapping[str, Any] = getattr(schema.config_type, "fields", {}) if schema else {}
    return {
        "description": step.description,
        "outputs": _listed(step.output_dict),
        "resources": _listed(step.required_resource_keys),
        "config": {
            field: f"{given.default_value if given.default_provided else 'required'}: "
            f"{given.description}"
            for field, given in sorted(fields.items())
        },
    }


def _partitions(definition: dg.PartitionsDefinition[str] | None) -> str:
    dynamic = isinstance(definition, dg.DynamicPartitionsDefinition)
    return (definition.name or "") if dynamic else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


if __name__ == "__main__":
    SNAPSHOT.write_text(text_of(graph_of(shipped())))
