"""What a running webserver says of its definitions and its runs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from video_pipeline.dagster_api.client import answer

_LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries { name
    locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
_RESOURCES = """{ repositoriesOrError { ... on RepositoryConnection { nodes {
    allTopLevelResourceDetails { name } } } } }"""
_FAILED = """query($since: Float!) { runsOrError(limit: 100,
    filter: {statuses: [FAILURE], updatedAfter: $since}) { ... on Runs { results {
    runId tags { key value } eventConnection { events {
    ... on RunFailureEvent { message error { message causes { message } } } } } } } } }"""


def load_error(url: str) -> str | None:
    """Return why the definitions cannot be loaded; "" if they are; None without a webserver."""
    entries = _inside(answer(url, _LOCATIONS), "workspaceOrError", "locationEntries")
    if entries is None or any(entry["locationOrLoadError"] is None for entry in entries):
        return None
    return "\n".join(entry["locationOrLoadError"].get("message", "") for entry in entries).strip()


def loaded_resources(url: str) -> set[str] | None:
    """Return the names of the loaded resources; None without a webserver."""
    nodes = _inside(answer(url, _RESOURCES), "repositoriesOrError", "nodes")
    if nodes is None:
        return None
    return {r["name"] for node in nodes for r in node["allTopLevelResourceDetails"]}


def given_up(url: str, since: datetime) -> dict[str, str]:
    """Return why runs failed since then that are not retried, by partition."""
    runs = _inside(answer(url, _FAILED, since=since.timestamp()), "runsOrError", "results") or []
    tagged = [(run, {tag["key"]: tag["value"] for tag in run["tags"]}) for run in runs]
    return {
        tags["dagster/partition"]: "\n".join([*_failure(run), f"{url}/runs/{run['runId']}"])
        for run, tags in tagged
        if "dagster/partition" in tags and tags.get("dagster/will_retry") == "false"
    }


def _failure(run: Mapping[str, Any]) -> list[str]:
    """Return the message of a failed run, and the first cause of its error."""
    event = next((one for one in run["eventConnection"]["events"] if one), {})
    error = event.get("error") or {}
    first = (error.get("causes") or [error])[-1].get("message") or ""
    return [text for text in (event.get("message"), first.strip()) if text]


def _inside(data: Mapping[str, Any] | None, union: str, field: str) -> list[Any] | None:
    """Return a list within a response; None if the response is an error."""
    return (data or {}).get(union, {}).get(field)
