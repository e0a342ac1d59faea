"""What a webserver says of its definitions and runs, and other responses."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from dagster_graphql.schema import create_schema
from graphql import parse, validate

from video_pipeline.dagster_api import health
from video_pipeline.dagster_api.health import given_up, load_error, loaded_resources

THEN = datetime(2026, 1, 1, tzinfo=UTC)


@contextmanager
def serving(answer: bytes, status: int = 200, pause_seconds: float = 0) -> Iterator[str]:
    """Serve the same response to every request, byte by byte with a pause after each."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            with suppress(ConnectionError):
                for number in range(len(answer)):
                    self.wfile.write(answer[number : number + 1])
                    time.sleep(pause_seconds)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def answering(**data: object) -> bytes:
    return json.dumps({"data": data}).encode()


def run(number: int, **tags: str) -> dict[str, object]:
    causes = [{"message": "in a step\n"}, {"message": "no luck\n"}]
    failure = {"message": "it has failed.", "error": {"message": "", "causes": causes}}
    return {
        "runId": str(number),
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
        "eventConnection": {"events": [{}, failure]},
    }


def test_no_proxy_for_a_local_webserver(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with serving(answering(workspaceOrError={"locationEntries": []})) as url:
        assert load_error(url) == ""


@pytest.mark.parametrize(
    "other", [b"<html>", b"", b"[]", b"{}", b'{"data": null}', answering(), b"\xff"]
)
def test_another_program_is_no_webserver(other: bytes) -> None:
    with serving(other) as url:
        assert load_error(url) is None
        assert loaded_resources(url) is None
        assert given_up(url, THEN) == {}


def test_given_up_runs_are_not_retried() -> None:
    runs = [
        run(1, **{"dagster/partition": "acme/one", "dagster/will_retry": "false"}),
        run(2, **{"dagster/partition": "acme/two", "dagster/will_retry": "true"}),
        run(3, **{"dagster/partition": "acme/three"}),
        run(4, **{"dagster/will_retry": "false"}),
    ]
    with serving(answering(runsOrError={"results": runs})) as url:
        assert given_up(url, THEN) == {"acme/one": f"it has failed.\nno luck\n{url}/runs/1"}


@pytest.mark.parametrize("query", ["_LOCATIONS", "_RESOURCES", "_FAILED"])
def test_query_fits_dagsters_schema(query: str) -> None:
    schema = create_schema().graphql_schema
    assert validate(schema, parse(getattr(health, query))) == []
