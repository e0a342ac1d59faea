"""A running double as a test uses it, in this process or in one of its own."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import boto3
from botocore.config import Config

from video_pipeline.testing.faults import Fault
from video_pipeline.testing.server import DoubleServer
from video_pipeline.testing.service import DEFAULT_ACCOUNT, Service

_PATIENCE_SECONDS = 30
_direct = build_opener(ProxyHandler({}))


@dataclass(frozen=True)
class Double:
    """A double that answers at `endpoint`, also to its controls."""

    endpoint: str

    def client(self, service: str, account: str = DEFAULT_ACCOUNT, **config: Any) -> Any:
        """Return a boto3 client of it, without retries and proxy, with invented credentials."""
        return client(service, self.endpoint, account, **config)

    def inject(self, fault: Fault) -> None:
        """Make a fault. Raises ValueError for an unknown one."""
        self._ask("POST", "faults", fault.model_dump())

    def clear_faults(self) -> None:
        """Make no more faults."""
        self._ask("DELETE", "faults")

    def faults(self) -> list[dict[str, Any]]:
        """Return the armed faults, each with its `hits`."""
        return self._ask("GET", "faults")

    def configure(self, **changes: Any) -> None:
        """Change settings of the service. Raises ValueError."""
        self._ask("POST", "settings", changes)

    def advance(self, seconds: float) -> None:
        """Move the double's clock ahead."""
        self._ask("POST", "clock", {"advance": seconds})

    def books(self) -> dict[str, Any]:
        """Return what was asked, done and billed."""
        return self._ask("GET", "books")

    def _ask(self, method: str, name: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.endpoint}/_double/{name}", data, method=method)
        try:
            with _direct.open(request, timeout=_PATIENCE_SECONDS) as answer:
                return json.load(answer)
        except HTTPError as error:
            raise ValueError(json.load(error)["message"]) from error


def client(service: str, endpoint: str, account: str = DEFAULT_ACCOUNT, **config: Any) -> Any:
    """Return a boto3 client of a server on loopback."""
    region = config.pop("region", "us-east-1")
    chosen = {"retries": {"total_max_attempts": 1, "mode": "standard"}, "proxies": {}, **config}
    session = boto3.Session(
        aws_access_key_id=account, aws_secret_access_key="testing", region_name=region
    )
    return session.client(service, endpoint_url=endpoint, config=Config(**chosen))  # pyright: ignore


@contextmanager
def serving(service: Service) -> Generator[Double, None, None]:
    """Run a double in this process, on a thread, until the block ends."""
    server = DoubleServer(service)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Double(server.endpoint)
    finally:
        server.close()
        thread.join()


@contextmanager
def deaf() -> Generator[str, None, None]:
    """Yield an endpoint to which connecting times out: a socket with a full queue of one, so that
    Linux drops further connections."""
    with socket.socket() as listening, socket.socket() as waiting:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting.connect(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def started(module: str, arguments: Sequence[str] = ()) -> Generator[Double, None, None]:
    """Run a double in a process of its own, which ends with this one at the latest.

    `module` calls `program.serve`. Raises RuntimeError if it does not start.
    """
    command = [sys.executable, "-m", module, "--until-stdin-closes", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        first = process.stdout.readline() if process.stdout else b""
        if not first:
            raise RuntimeError(f"{module} did not start: it ended with {process.wait()}")
        yield Double(json.loads(first)["endpoint"])
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
