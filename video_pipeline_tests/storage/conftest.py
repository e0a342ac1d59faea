"""What the tests of stores in buckets share: a bucket of each kind of server."""

import pytest

from video_pipeline_tests.stage.buckets import MadeBucket, Servers, made_bucket

KINDS = ("moto", "moto-versioned", "ministack", "swift", "swift-versioned")
"""Ministack with versions gives whole objects where a range of a version is asked for."""


@pytest.fixture(params=KINDS)
def bucket(request: pytest.FixtureRequest, servers: Servers) -> MadeBucket:
    """A bucket of each kind of server, with and without versions."""
    name, _, versioned = request.param.partition("-")
    client = servers.client(name)
    return made_bucket(servers[name], versioned=bool(versioned), client=client)
