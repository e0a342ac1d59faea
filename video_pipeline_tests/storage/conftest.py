"""What the tests of stores share: a bucket of each kind of server, and a disk that is soon full."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from video_pipeline_tests.servers.buckets import MadeBucket, Servers, made_bucket

KINDS = ("moto", "moto-versioned", "ministack", "swift", "swift-versioned")
"""Ministack with versions gives whole objects where a range of a version is asked for."""


@pytest.fixture(params=KINDS)
def bucket(request: pytest.FixtureRequest, servers: Servers) -> MadeBucket:
    """A bucket of each kind of server, with and without versions."""
    name, _, versioned = request.param.partition("-")
    client = servers.client(name)
    return made_bucket(servers[name], versioned=bool(versioned), client=client)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    place = tmp_path / "tiny"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a file system is not allowed here")
    yield place
    subprocess.run(["umount", str(place)], check=True)
