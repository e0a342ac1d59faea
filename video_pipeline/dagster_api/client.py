"""GraphQL over HTTP to a webserver; and the same without one, by a process that lives as long as
the question.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from video_pipeline.domain.errors import ConfigurationError

_DIRECT, _BY_PROXY = build_opener(ProxyHandler({})), build_opener()
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})
_SECONDS = 30
_LONG_SECONDS = 600
"""For what changes something: a backfill of thousands of videos takes seconds to be taken."""
_PROGRAM = "from dagster_graphql.cli import main; main()"


class Ask(Protocol):
    """Puts a question, or an order, and gives the data of the answer.

    Raises ConfigurationError where nobody answers, or where the answer is an error.
    """

    def __call__(self, document: str, variables: Mapping[str, Any], /) -> dict[str, Any]: ...


def answer(url: str, query: str, **variables: Any) -> dict[str, Any] | None:
    """What the webserver answers; None where none answers yet, or something else does."""
    try:
        data = _post(url, query, variables, _SECONDS)["data"]
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return None
    return data if isinstance(data, dict) else None


def over_http(url: str) -> Ask:
    """Asks the webserver at this address."""

    def ask(document: str, variables: Mapping[str, Any], /) -> dict[str, Any]:
        try:
            told = _post(url, document, variables, _LONG_SECONDS)
        except HTTPError as error:
            raise refused(url, error.read().decode(errors="replace")[:400]) from error
        except (OSError, HTTPException, ValueError) as error:
            raise ConfigurationError(
                f"Dagster's webserver does not answer: {error}",
                where=url,
                remedy="Start it, or correct `webserver` in pipeline.yaml or "
                "VIDEO_PIPELINE_WEBSERVER.",
            ) from error
        return _data(url, told)

    return ask


def without_webserver(workspace: Path, environment: Mapping[str, str]) -> Ask:
    """Asks a process of its own that loads the workspace. It takes some seconds a question.

    The environment names DAGSTER_HOME.
    """

    def ask(document: str, variables: Mapping[str, Any], /) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="question-") as folder:
            question, reply = Path(folder) / "question.graphql", Path(folder) / "answer.json"
            # As variables they would stand on the command line, which is too short for them.
            question.write_text(inlined(document, variables))
            asked = [sys.executable, "-c", _PROGRAM, "-w", str(workspace)]
            command = [*asked, "--file", str(question), "--output", str(reply)]
            told = _ended(command, workspace.parent, {**os.environ, **environment})
            if not reply.is_file():
                raise refused("dagster-graphql", told[-800:])
            return _data("dagster-graphql", json.loads(reply.read_text()))

    return ask


def _ended(command: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    """What a process said by its end. Raises ConfigurationError where it does not come to one."""
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
            f"Dagster did not answer within {_LONG_SECONDS} s",
            where="dagster-graphql",
            remedy="Look at the page of backfills whether it was done; start a webserver by "
            "`video-pipeline up`, which answers sooner.",
        ) from error
    return (ended.stderr or ended.stdout).strip()


def inlined(document: str, variables: Mapping[str, Any]) -> str:
    """The document with each variable's value in its place, and none declared."""
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


def _post(url: str, document: str, variables: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    body = json.dumps({"query": document, "variables": variables}).encode()
    request = Request(f"{url.rstrip('/')}/graphql", body, {"Content-Type": "application/json"})
    # For one on this machine no proxy of the environment is asked.
    opener = _DIRECT if urlsplit(url).hostname in _HERE else _BY_PROXY
    with opener.open(request, timeout=seconds) as reply:
        return json.load(reply)


def _data(where: str, told: Any) -> dict[str, Any]:
    if not isinstance(told, dict) or told.get("errors") or not isinstance(told.get("data"), dict):
        raise refused(where, json.dumps(told)[:800])
    return told["data"]


def refused(where: str, told: str) -> ConfigurationError:
    """The error that Dagster's own becomes."""
    return ConfigurationError(
        f"Dagster refused: {told}",
        where=where,
        remedy="Look into its log; `video-pipeline doctor` may know more.",
    )
