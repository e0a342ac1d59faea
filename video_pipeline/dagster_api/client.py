"""GraphQL queries and mutations: over HTTP to a webserver, or by a process of their own.

httpx is imported at the first request: most commands make none, and start sooner without it.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from video_pipeline.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from httpx import Response

_LOCAL_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
_SECONDS = 30
# For mutations: Dagster takes some seconds to accept a backfill of thousands of videos.
_LONG_SECONDS = 600
_PROGRAM = "from dagster_graphql.cli import main; main()"


class Ask(Protocol):
    """Sends a query or a mutation and returns the data of the response.

    Raises ConfigurationError without a response, and for a response with errors.
    """

    def __call__(self, document: str, variables: Mapping[str, Any], /) -> dict[str, Any]: ...


def answer(url: str, query: str, **variables: Any) -> dict[str, Any] | None:
    """Return the data of a webserver's response; None if no webserver of Dagster's responds."""
    try:
        response = asyncio.run(_post(url, query, variables, _SECONDS))
        data = response.raise_for_status().json()["data"]
    except (*_failures(), LookupError, TypeError):
        return None
    return data if isinstance(data, dict) else None


def over_http(url: str) -> Ask:
    """Return what sends queries to the webserver at this address."""

    def ask(document: str, variables: Mapping[str, Any], /) -> dict[str, Any]:
        try:
            response = asyncio.run(_post(url, document, variables, _LONG_SECONDS))
            if response.is_error:
                raise refused(url, f"{response.status_code} {response.text[:400]}")
            found = response.json()
        except _failures() as error:
            raise ConfigurationError(
                f"Dagster's webserver does not respond: {str(error) or type(error).__name__}",
                where=url,
                remedy="Start it, or correct `webserver` in pipeline.yaml or "
                "VIDEO_PIPELINE_WEBSERVER.",
            ) from error
        return _data(url, found)

    return ask


def _failures() -> tuple[type[Exception], ...]:
    """Return what a request may raise: ImportError for a SOCKS proxy without its library."""
    import httpx

    return httpx.HTTPError, httpx.InvalidURL, ImportError, OSError, ValueError


async def _post(
    url: str, document: str, variables: Mapping[str, Any], seconds: float
) -> "Response":
    """Return the response. The time limit holds for all but a blocked DNS query."""
    import ssl

    import httpx

    body = {"query": document, "variables": variables}
    # No proxy of the environment is used for a webserver on this machine.
    by_proxy = urlsplit(url).hostname not in _LOCAL_HOSTS
    async with (
        asyncio.timeout(seconds),
        # The system's certificates, as a company's own authority is found only there.
        httpx.AsyncClient(
            timeout=None, trust_env=by_proxy, verify=ssl.create_default_context()
        ) as client,
    ):
        return await client.post(f"{url.rstrip('/')}/graphql", json=body)


def without_webserver(workspace: Path, environment: Mapping[str, str]) -> Ask:
    """Return what runs each query in a new process that loads the workspace, in some seconds.

    The environment names DAGSTER_HOME.
    """

    def ask(document: str, variables: Mapping[str, Any], /) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="question-") as folder:
            query, response = Path(folder) / "question.graphql", Path(folder) / "answer.json"
            # As variables they would be on the command line, which is too short for them.
            query.write_text(inlined(document, variables))
            command = [sys.executable, "-c", _PROGRAM, "-w", str(workspace)]
            command += ["--file", str(query), "--output", str(response)]
            printed = _run(command, workspace.parent, {**os.environ, **environment})
            if not response.is_file():
                raise refused("dagster-graphql", printed[-800:])
            return _data("dagster-graphql", json.loads(response.read_text()))

    return ask


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    """Run a process to its end and return its output. Raises ConfigurationError after a time."""
    try:
        ended = subprocess.run(
            command,
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_LONG_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(
            f"Dagster did not respond within {_LONG_SECONDS} s",
            where="dagster-graphql",
            remedy="See on the page of backfills whether one was launched. A webserver, started by "
            "`video-pipeline up`, responds sooner.",
        ) from error
    return (ended.stderr or ended.stdout).strip()


def inlined(document: str, variables: Mapping[str, Any]) -> str:
    """Return the document with each variable replaced by its value, and none declared."""
    head, brace, body = document.partition("{")
    head = head.partition("(")[0]
    for name, value in variables.items():
        body = body.replace(f"${name}", _literal(value))
    return f"{head}{brace}{body}"


def _literal(value: Any) -> str:
    if isinstance(value, Mapping):
        fields = ", ".join(f"{name}: {_literal(inner)}" for name, inner in value.items())
        return f"{{{fields}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return json.dumps(value)


def _data(where: str, response: Any) -> dict[str, Any]:
    data = response.get("data") if isinstance(response, dict) else None
    if not isinstance(data, dict) or response.get("errors"):
        raise refused(where, json.dumps(response)[:800])
    return data


def refused(where: str, message: str) -> ConfigurationError:
    """Return the error for a message of Dagster's."""
    return ConfigurationError(
        f"Dagster refused: {message}",
        where=where,
        remedy="Look into its log; `video-pipeline doctor` may know more.",
    )
