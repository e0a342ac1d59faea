"""What the commands ask of a running Dagster webserver."""

import json
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

_LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries { name
    locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
_RESOURCES = """{ repositoriesOrError { ... on RepositoryConnection { nodes {
    allTopLevelResourceDetails { name } } } } }"""


def answer(url: str, query: str) -> dict[str, Any] | None:
    """What the webserver answers; None where none answers yet."""
    body = json.dumps({"query": query}).encode()
    request = Request(f"{url}/graphql", body, {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=30) as reply:
            return json.load(reply)["data"]
    except (URLError, ConnectionError, TimeoutError):
        return None


def load_error(url: str) -> str | None:
    """Why the definitions cannot be loaded; empty where they are; None where nobody answers."""
    data = answer(url, _LOCATIONS)
    if data is None:
        return None
    entries = data["workspaceOrError"]["locationEntries"]
    return "\n".join(entry["locationOrLoadError"].get("message", "") for entry in entries).strip()


def loaded_resources(url: str) -> set[str] | None:
    """The resources of the definitions that are loaded; None where nobody answers."""
    data = answer(url, _RESOURCES)
    if data is None:
        return None
    nodes = data["repositoriesOrError"]["nodes"]
    return {r["name"] for node in nodes for r in node["allTopLevelResourceDetails"]}
