"""The definitions as a whole: the graph as committed, and loading opens nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml

from video_pipeline.definitions import build_defs
from video_pipeline.domain.phases import SERVED
from video_pipeline.settings import load_and_keep, load_running, load_settings
from video_pipeline_tests.graph import ROOT, SNAPSHOT, Graph, graph_of, shipped, text_of

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
def graph() -> Graph:
    return graph_of(shipped())


def test_graph_is_the_committed_one(graph: Graph) -> None:
    assert text_of(graph) == SNAPSHOT.read_text(), (
        "The graph in Dagster has changed. Write it with `python -m video_pipeline_tests.graph` "
        "and review the difference: steps of held runs must keep their names."
    )


def test_each_sensor_has_a_thread(graph: Graph) -> None:
    settings = yaml.safe_load((ROOT / "dagster.yaml").read_text())["sensors"]
    assert settings == {"use_threads": True, "num_workers": len(graph["sensors"])}


def test_docs_list_the_names_of_the_graph(graph: Graph) -> None:
    checks = {check for asset in graph["assets"].values() for check in asset["checks"]}
    of_project = {f"choice_current_{phase}" for phase in SERVED}
    names = {
        "asset": set(graph["assets"]),
        "job": set(graph["jobs"]),
        "step": {step for job in graph["jobs"].values() for step in job["steps"]},
        "sensor": set(graph["sensors"]),
        "schedule": set(graph["schedules"]),
        "check": checks - of_project | {"choice_current_PHASE"},
        # The others are the entries of pipeline.yaml.
        "resource": {"pipeline"},
        "partitions": set(graph["partitions"].split(", ")),
        "tag": set(graph["run_tags"]),
    }
    page = (ROOT / "docs" / "dagster.md").read_text()
    listed = {of: set[str]() for of in names}
    for of, name in re.findall(r"^\| (\w+) \| `([^`]+)` \|", page, re.MULTILINE):
        listed[of].add(name)
    assert listed == names


def test_step_requires_chosen_entries_with_their_variables_set(
    tmp_path: Path,
) -> None:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    graph = graph_of(build_defs(load_settings(tmp_path / "pipeline.yaml", {})))
    step = graph["jobs"]["ingest_video"]["steps"]["analysis"]
    assert step["resources"] == "cuts, pipeline"


def test_phase_that_no_project_configures_says_so(tmp_path: Path) -> None:
    of_one_project = "projects: {acme: {phases: {shots: [cuts]}}}\n"
    (tmp_path / "pipeline.yaml").write_text(PIPELINE.partition("phases:")[0] + of_one_project)
    assets = graph_of(build_defs(load_settings(tmp_path / "pipeline.yaml", {})))["assets"]
    assert (assets["objects"]["kinds"], assets["objects"]["checks"]) == ("not-configured", {})
    assert assets["objects"]["description"].startswith("Not configured: no project names")
    for configured in ("shots", "audio"):
        assert not assets[configured]["description"].startswith("Not configured")


def test_resource_is_replaced_by_an_override() -> None:
    settings = load_settings(ROOT / "pipeline.yaml", {})
    replaced = build_defs(settings, {"pipeline": "a stand-in"})
    assert replaced.resources is not None
    assert replaced.resources["pipeline"] == "a stand-in"


def test_loading_connects_starts_and_writes_nothing(tmp_path: Path) -> None:
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


def test_definitions_load_from_the_last_good_file(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(PIPELINE)
    load_and_keep(file, {})
    file.write_text(PIPELINE.replace("shots:", "shotz:"))
    settings, _, problem = load_running(file, {})
    graph = build_defs(settings, problem=problem).resolve_asset_graph()
    told = graph.get(dg.AssetKey("project")).metadata["pipeline.yaml"].value
    assert "line 6, phases.shotz" in told
    assert "Did you mean 'shots'?" in told
    checks = graph.get(dg.AssetKey("project")).check_keys
    assert {key.name for key in checks} == {f"choice_current_{phase}" for phase in SERVED}


def test_workspace_names_these_definitions() -> None:
    assert "module_name: video_pipeline.definitions" in (ROOT / "workspace.yaml").read_text()
