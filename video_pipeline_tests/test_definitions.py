"""The definitions as a whole: a changed graph is a reviewed change, and loading opens nothing."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from video_pipeline.definitions import build_defs
from video_pipeline.settings import load_settings

ROOT = Path(__file__).resolve().parents[1]

ASSETS = {
    "source_video": ("source", set()),
    "media_info": ("source", {"source_video"}),
    "shots": ("analysis", {"media_info"}),
    "objects": ("analysis", {"media_info"}),
    "events": ("analysis", {"media_info"}),
    "thumbnails": ("analysis", {"media_info"}),
    "audio": ("analysis", {"media_info"}),
    "transcript": ("analysis", {"audio"}),
    "scenes": ("analysis", {"shots", "transcript"}),
    "timeline": (
        "timeline",
        {"shots", "objects", "events", "thumbnails", "transcript", "scenes"},
    ),
    "exports": ("timeline", {"timeline"}),
    "project": ("projects", set()),
}
SERVED = {"shots", "objects", "events", "scenes", "transcript"}
CONTENT_CHECKS = {
    "shots:markers_exact",
    "objects:markers_exact",
    "events:markers_exact",
    "scenes:markers_exact",
    "transcript:words_within_audio",
    "exports:outputs_readable",
}
PIPELINE = """\
providers:
  cuts: {plugin: pyscenedetect}
  other-cuts: {plugin: pyscenedetect, options: {detector: content}}
  unset: {plugin: pyscenedetect, options: {threshold: {env: A_VARIABLE_THAT_IS_NOT_SET}}}
phases:
  shots: [cuts, unset]
"""
WATCHED_LOADING = """\
import sys
import dagster

DENIED = {"socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.fork", "os.mkdir"}


def deny(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if event in DENIED or writes:
        raise SystemExit(f"{event}: {arguments[0]}")


sys.addaudithook(deny)
from video_pipeline.definitions import defs

defs.get_repository_def().load_all_definitions()
"""


@pytest.fixture(scope="module")
def shipped() -> dg.Definitions:
    return build_defs(load_settings(ROOT / "pipeline.yaml", {}))


def test_assets_groups_and_what_each_hangs_on(shipped: dg.Definitions) -> None:
    graph = shipped.resolve_asset_graph()
    found = {
        node.key.to_user_string(): (
            node.group_name,
            {key.to_user_string() for key in node.parent_keys},
        )
        for node in graph.asset_nodes
    }
    assert found == ASSETS


def test_every_asset_has_owner_kind_description_and_its_partition(shipped: dg.Definitions) -> None:
    for node in shipped.resolve_asset_graph().asset_nodes:
        assert node.owners == ["team:video"]
        assert node.kinds
        assert node.description
        kept = "projects" if node.key == dg.AssetKey("project") else "videos"
        assert node.partitions_def == dg.DynamicPartitionsDefinition(name=f"video_pipeline_{kept}")


def test_steps_keep_their_names(shipped: dg.Definitions) -> None:
    """A run that is held was planned with these names; it goes on with them after an upgrade."""
    nodes = shipped.resolve_job_def("ingest_video").graph.node_dict
    assert set(nodes) == {
        *("source_video", "media_info", "analysis", "scenes", "timeline", "exports")
    }


def test_checks(shipped: dg.Definitions) -> None:
    keys = shipped.resolve_asset_graph().asset_check_keys
    found = {f"{key.asset_key.to_user_string()}:{key.name}" for key in keys}
    current = {f"project:choice_current_{asset}" for asset in SERVED}
    assert found == CONTENT_CHECKS | {f"{asset}:succeeded" for asset in SERVED} | current


def test_jobs_sensors_and_resources(shipped: dg.Definitions) -> None:
    repository = shipped.get_repository_def()
    assert {job.name for job in repository.get_all_jobs()} == {
        *("ingest_video", "backfill_project", "cancel_work", "fetch_again", "__ASSET_JOB")
    }
    sensors = repository.sensor_defs
    assert {sensor.name for sensor in sensors} == {
        *("arrivals", "completions", "lost_retries", "projects")
    }
    assert {s.default_status for s in sensors} == {dg.DefaultSensorStatus.RUNNING}
    assert set(repository.get_top_level_resources()) == {
        *("pipeline", "cuts", "cuts_by_content", "whisper_base", "whisper_tiny_en")
    }


def test_a_step_requires_only_entries_that_a_phase_chose_and_whose_variables_are_set(
    tmp_path: Path,
) -> None:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    job = build_defs(load_settings(tmp_path / "pipeline.yaml", {})).resolve_job_def("ingest_video")
    needed = job.graph.node_dict["analysis"].definition.required_resource_keys
    assert needed == {"pipeline", "cuts"}


def test_a_resource_can_be_replaced() -> None:
    settings = load_settings(ROOT / "pipeline.yaml", {})
    replaced = build_defs(settings, {"pipeline": "a stand-in"})
    assert replaced.resources is not None
    assert replaced.resources["pipeline"] == "a stand-in"


def test_loading_connects_to_nothing_starts_nothing_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    variables = {**os.environ, "VIDEO_PIPELINE_CONFIG": str(tmp_path / "pipeline.yaml")}
    variables |= {"MONGODB_URI": "mongodb://127.0.0.1:9", "PYTHONDONTWRITEBYTECODE": "1"}
    loaded = subprocess.run(
        [sys.executable, "-c", WATCHED_LOADING],
        env=variables,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert loaded.returncode == 0, loaded.stderr[-2000:]
    assert [path.name for path in tmp_path.iterdir()] == ["pipeline.yaml"]


def test_the_workspace_names_these_definitions() -> None:
    assert "module_name: video_pipeline.definitions" in (ROOT / "workspace.yaml").read_text()
