"""S3 servers for tests: each is a process on a free loopback port, and ends with its context."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from pydantic import SecretStr

from video_pipeline.cli.server import leash
from video_pipeline.cli.server.ports import LOOPBACK, port_to_use
from video_pipeline.storage.s3.clients import AwsClients
from video_pipeline.storage.s3.options import S3Options
from video_pipeline_tests.servers.environments import interpreter

REGION = "us-east-1"
_START_SECONDS = 60
_SWIFT = Path(__file__).parent / "programs" / "swift_program.py"
_FULL_MOTO = Path(__file__).parent / "programs" / "moto_with_objects.py"


@dataclass(frozen=True)
class S3Server:
    """The address and credentials of a running server."""

    name: str
    endpoint: str
    access: str = "testing"
    secret: str = "testing"

    def options(self, **changed: object) -> S3Options:
        """Return the owner's connection options, with these changes."""
        return S3Options(
            endpoint=self.endpoint,
            region=REGION,
            access_key_id=SecretStr(self.access),
            secret_access_key=SecretStr(self.secret),
            attempts=1,
        ).model_copy(update=changed)

    def clients(self, **changed: object) -> AwsClients:
        """Return clients for it; `changed` are changes to the options."""
        return AwsClients(self.options(**changed))


# Starts a server with its data below a folder.
Serve = Callable[[Path], AbstractContextManager[S3Server]]


@contextmanager
def moto(folder: Path) -> Generator[S3Server, None, None]:
    """Start moto, which keeps objects in memory and can enforce IAM policies."""
    port = port_to_use(None)
    command = [str(interpreter("moto")), "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)]
    with _process(command, folder, {}, port) as endpoint:
        yield S3Server("moto", endpoint)


@contextmanager
def full_moto(folder: Path, bucket: str, keys: Iterable[str]) -> Generator[S3Server, None, None]:
    """Start moto with a bucket that already has an object of one byte under each key."""
    port, listed = port_to_use(None), folder / "keys.txt"
    listed.write_text("\n".join(keys))
    program = [str(interpreter("moto")), str(_FULL_MOTO), bucket, str(listed)]
    with _process([*program, "-H", LOOPBACK, "-p", str(port)], folder, {}, port) as endpoint:
        yield S3Server("moto", endpoint)


@contextmanager
def ministack(folder: Path) -> Generator[S3Server, None, None]:
    """Start ministack, which keeps objects in memory."""
    port = port_to_use(None)
    variables = {"BIND_HOST": LOOPBACK, "GATEWAY_PORT": str(port), "TMPDIR": str(folder)}
    command = [str(interpreter("ministack")), "-m", "ministack.app"]
    with _process(command, folder, variables, port) as endpoint:
        yield S3Server("ministack", endpoint, access="test", secret="test")


@contextmanager
def swift(folder: Path) -> Generator[S3Server, None, None]:
    """Start OpenStack Swift with its S3 API. It stores on disk, and is unrelated to the others."""
    port, access = port_to_use(None), "test:tester"
    arguments = [str(folder / "swift"), str(port), access, "testing"]
    command = [str(interpreter("swift")), "-W", "ignore", str(_SWIFT), *arguments]
    with _process(command, folder, {}, port) as endpoint:
        yield S3Server("swift", endpoint, access=access)


SERVERS: Mapping[str, Serve] = {"moto": moto, "ministack": ministack, "swift": swift}


@contextmanager
def _process(
    command: list[str], folder: Path, variables: Mapping[str, str], port: int
) -> Generator[str, None, None]:
    """Start a server, and yield its endpoint once it answers.

    It ends with the block, or with this process.
    """
    leashed = [sys.executable, str(leash.__file__), str(os.getpid()), *command]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            leashed,
            cwd=folder,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        endpoint = f"http://{LOOPBACK}:{port}"
        _wait_for(endpoint, process, folder / "server.log")
        yield endpoint
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(endpoint: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while not _answers(endpoint):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{endpoint} does not answer:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)


def _answers(endpoint: str) -> bool:
    try:
        with urlopen(endpoint, timeout=5):
            return True
    except HTTPError:
        return True
    except OSError:
        return False
