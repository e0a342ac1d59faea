"""What refuses or breaks is told as what it is, with what mends it, and never as an absence."""

import contextlib
import hashlib
import io
import socket
from pathlib import Path
from typing import Literal

import pytest
from pydantic import SecretStr

from video_pipeline.cli.server.ports import port_to_use
from video_pipeline.domain.errors import (
    ConfigurationError,
    NoticesError,
    StorageError,
    StorageFull,
    StorageUnavailable,
)
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.notifications.sqs import SqsNotices
from video_pipeline.storage.s3.clients import AwsClients
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline.storage.s3.options import S3Options
from video_pipeline.storage.s3.outputs import S3Outputs
from video_pipeline_tests.servers.buckets import Servers, made_bucket
from video_pipeline_tests.servers.s3_answers import DRIPPING_READ_SECONDS, Answer, answering
from video_pipeline_tests.servers.s3_servers import S3Server

KEY = "projects/acme/videos/v/a.mp4"
OUTPUT = "projects/acme/videos/v/timeline.json"
KMS = "User is not authorized to perform: kms:Decrypt on the resource"

ANSWERS = [
    (Answer(404, "NoSuchBucket"), StorageError, "no such bucket.*Create it"),
    (
        Answer(301, "PermanentRedirect", headers={"x-amz-bucket-region": "eu-central-1"}),
        StorageError,
        "another region.*region to eu-central-1",
    ),
    (
        Answer(
            400,
            "AuthorizationHeaderMalformed",
            "the region 'us-east-1' is wrong; expecting 'eu-west-1'",
            "<Region>eu-west-1</Region>",
        ),
        StorageError,
        "another region.*region to eu-west-1",
    ),
    (Answer(403, "AccessDenied"), StorageError, "access is denied.*Allow s3:"),
    (Answer(403, "AccessDenied", KMS), StorageError, "KMS key.*kms:Decrypt"),
    (Answer(400, "KMS.DisabledException"), StorageError, "KMS key"),
    (Answer(400, "ExpiredToken"), StorageError, "expired.*Log in again"),
    (Answer(403, "InvalidAccessKeyId"), StorageError, "credentials are wrong"),
    (Answer(403, "SignatureDoesNotMatch"), StorageError, "credentials are wrong"),
    (Answer(403, "RequestTimeTooSkewed"), StorageError, "clock"),
    (Answer(503, "SlowDown"), StorageUnavailable, "busy.*later"),
    (Answer(500, "InternalError"), StorageUnavailable, "broken"),
    (Answer(502), StorageUnavailable, "broken"),
    (Answer(400, "RequestTimeout"), StorageUnavailable, "busy"),
    (Answer(507, "InsufficientStorage"), StorageFull, "Free some space"),
    (Answer(429, "SomethingNew"), StorageUnavailable, "busy"),
    (Answer(418, "SomethingNew"), StorageError, "SomethingNew"),
    (Answer(409, "SomethingNew", "of tomorrow"), StorageError, "SomethingNew: of tomorrow"),
]


@pytest.mark.parametrize(("answer", "kind", "told"), ANSWERS, ids=lambda one: str(one)[:60])
def test_error_answers_are_translated(answer: Answer, kind: type[StorageError], told: str) -> None:
    with answering(answer) as (server, _):
        client = server.clients().client("s3")
        ingest, outputs = S3Ingest(client, "videos"), S3Outputs(client, "results")
        for use in (
            lambda: ingest.project("acme").stat(KEY),
            lambda: list(ingest.listing()),
            lambda: outputs.project("acme").stat(OUTPUT),
            lambda: list(outputs.project("acme").listing("projects/acme/")),
            lambda: outputs.project("acme").delete(OUTPUT),
            lambda: _write(outputs),
        ):
            with pytest.raises(kind, match=told) as caught:
                use()
            assert type(caught.value) is kind
            assert caught.value.where.startswith(("s3://videos/", "s3://results/"))
            assert caught.value.__cause__


def _write(outputs: S3Outputs) -> None:
    with outputs.project("acme").writer(OUTPUT) as target:
        target.write(b"bytes")


@pytest.mark.parametrize("name", ["moto", "ministack", "swift"])
def test_missing_bucket_raises_on_every_server(servers: Servers, name: str) -> None:
    client = servers[name].clients().client("s3")
    with pytest.raises(StorageError, match="no such bucket"):
        list(S3Ingest(client, "nowhere-at-all").listing())
    with pytest.raises(StorageError, match="no such bucket"):
        S3Ingest(client, "nowhere-at-all").project("acme").stat(KEY)
    with pytest.raises(StorageError, match="no such bucket"):
        _write(S3Outputs(client, "nowhere-at-all"))


def test_wrong_region_is_corrected_by_the_store(servers: Servers) -> None:
    made = made_bucket(servers["swift"])
    made.put(KEY, b"bytes")
    client = servers["swift"].clients(region="eu-west-9").client("s3")
    assert S3Ingest(client, made.name).project("acme").stat(KEY)


def test_wrong_credentials_raise(servers: Servers) -> None:
    made = made_bucket(servers["swift"])
    wrong = servers["swift"].clients(secret_access_key=SecretStr("wrong")).client("s3")
    with pytest.raises(StorageError, match="credentials are wrong"):
        S3Ingest(wrong, made.name).project("acme").stat(KEY)


def test_missing_credentials_raise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    clients = AwsClients(S3Options(endpoint="http://127.0.0.1:9", region="us-east-1"))
    with pytest.raises(StorageError, match=r"no credentials.*AWS_ACCESS_KEY_ID"):
        list(S3Ingest(clients.client("s3"), "videos").listing())


def test_missing_profile_raises() -> None:
    with pytest.raises(ConfigurationError, match="no-such-profile"):
        AwsClients(S3Options(profile="no-such-profile")).client("s3")


def test_endpoint_that_is_down_raises() -> None:
    server = S3Server("down", f"http://127.0.0.1:{port_to_use(None)}")
    client = server.clients().client("s3")
    with pytest.raises(StorageUnavailable, match=r"does not answer.*endpoint"):
        S3Ingest(client, "videos").project("acme").stat(KEY)


def test_silent_endpoint_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = S3Server("silent", f"http://127.0.0.1:{silent.getsockname()[1]}")
        client = server.clients(read_seconds=0.2).client("s3")
        with pytest.raises(StorageUnavailable, match="does not answer"):
            S3Ingest(client, "videos").project("acme").stat(KEY)


def test_tick_tries_a_silent_endpoint_twice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        clients = S3Server("silent", endpoint).clients(read_seconds=0.2, attempts=9).for_ticks()
        with pytest.raises(StorageUnavailable, match="does not answer"):
            list(S3Ingest(clients.client("s3"), "videos").listing())
        assert _connections(silent) == 2
        notices = SqsNotices(clients.client("sqs", endpoint), "videos", f"{endpoint}/1/in")
        with pytest.raises(NoticesError, match="does not answer"):
            notices.receive()
        assert _connections(silent) == 2


def _connections(server: socket.socket) -> int:
    """Return how many connections were made since the last count."""
    server.setblocking(False)
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


@pytest.mark.parametrize(
    ("given", "limited"),
    [
        ({}, (2, 5, 10)),
        ({"attempts": 1, "connect_seconds": 1, "read_seconds": 2}, (1, 1, 2)),
        ({"attempts": 9, "connect_seconds": 60, "read_seconds": 300}, (2, 5, 10)),
    ],
)
def test_tick_shortens_only_longer_limits(
    given: dict[str, float], limited: tuple[float, ...]
) -> None:
    options = AwsClients(S3Options.model_validate(given)).for_ticks().options
    assert (options.attempts, options.connect_seconds, options.read_seconds) == limited


def test_busy_server_is_retried() -> None:
    head = Answer(headers={"ETag": '"e"'}, body=b"bytes")
    with answering(Answer(503, "SlowDown"), Answer(500), head) as (server, asked):
        client = server.clients(attempts=3).client("s3")
        found = S3Ingest(client, "videos").project("acme").stat(KEY)
        assert found and found.size == 5
        assert asked == ["HEAD"] * 3


def _listed(next_page: str = "") -> Answer:
    """Return a page of a listing that names this next page."""
    truncated = f"<NextContinuationToken>{next_page}</NextContinuationToken>" if next_page else ""
    name = f"<Contents><Key>{OUTPUT}</Key><ETag>e</ETag><Size>5</Size></Contents>"
    more = f"<IsTruncated>{str(bool(next_page)).lower()}</IsTruncated>{truncated}"
    body = f'<?xml version="1.0"?><ListBucketResult>{more}{name}</ListBucketResult>'
    return Answer(body=body.encode())


def test_listing_follows_page_tokens_to_its_end() -> None:
    with answering(_listed("two"), _listed("three"), _listed()) as (server, asked):
        outputs = S3Outputs(server.clients().client("s3"), "results").project("acme")
        assert [one.size for one in outputs.listing("projects/acme/")] == [5, 5, 5]
        assert len(asked) == 3


def test_listing_that_repeats_a_page_token_ends() -> None:
    circle = [_listed("two"), _listed("three")] * 10
    with answering(*circle) as (server, asked):
        outputs = S3Outputs(server.clients().client("s3"), "results").project("acme")
        with pytest.raises(StorageUnavailable, match=r"does not end.*'two'"):
            list(outputs.listing("projects/acme/"))
        assert len(asked) == 3


@pytest.mark.parametrize("drips", ["headers", "body"])
def test_response_that_drips_times_out(drips: Literal["headers", "body"]) -> None:
    """Each byte arrives within the socket's timeout."""
    with answering(Answer(drips=drips, claims=1000)) as (server, _):
        client = server.clients(read_seconds=DRIPPING_READ_SECONDS).client("s3")
        with pytest.raises(StorageUnavailable, match="does not answer"):
            list(S3Outputs(client, "results").project("acme").listing("projects/acme/"))


def test_stream_that_drips_is_resumed() -> None:
    content = b"0123456789"
    drip, whole = Answer(body=b"", claims=10_000, drips="body"), Answer(body=content)
    with answering(_head(content, "e" * 31), drip, whole) as (server, asked):
        client = server.clients(read_seconds=DRIPPING_READ_SECONDS).client("s3")
        with S3Outputs(client, "results").project("acme").open(OUTPUT) as reader:
            assert reader.read() == content
        assert asked == ["HEAD", "GET", "GET"]


def _head(content: bytes, md5: str) -> Answer:
    return Answer(body=content, headers={"ETag": f'"{md5}"'})


def test_broken_range_is_retried() -> None:
    content = b"0123456789"
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    broken = Answer(206, body=content[:4], claims=10)
    whole = Answer(206, body=content)
    with answering(_head(content, md5), broken, broken, whole) as (server, asked):
        half = S3Ingest(server.clients().client("s3"), "videos").project("acme")
        with half.open(KEY, f"etag:{md5}:10") as reader:
            assert reader.read() == content
        assert asked == ["HEAD", *["GET bytes=0-9"] * 3]


def test_range_fails_after_four_breaks() -> None:
    content = b"0123456789"
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    broken = Answer(206, body=content[:4], claims=10)
    with answering(_head(content, md5), *[broken] * 4) as (server, asked):
        half = S3Ingest(server.clients().client("s3"), "videos").project("acme")
        with (
            half.open(KEY, f"etag:{md5}:10") as reader,
            pytest.raises(StorageUnavailable, match="S3 does not answer"),
        ):
            reader.read()
        assert asked == ["HEAD", *["GET bytes=0-9"] * 4]


def test_probe_over_broken_ranges_does_not_blame_the_video() -> None:
    content = b"0123456789"
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    broken = Answer(206, body=content[:4], claims=10)
    with answering(_head(content, md5), *[broken] * 4) as (server, _):
        half = S3Ingest(server.clients().client("s3"), "videos").project("acme")
        with (
            half.open(KEY, f"etag:{md5}:10") as reader,
            pytest.raises(StorageUnavailable, match="S3 does not answer"),
        ):
            ChildMediaReader().probe(reader, "0" * 64)


def test_damaged_bytes_raise_and_leave_no_copy(tmp_path: Path) -> None:
    content = b"0123456789"
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    damaged = Answer(206, body=b"0123456_89")
    with answering(_head(content, md5), damaged) as (server, _):
        half = S3Ingest(server.clients().client("s3"), "videos").project("acme")
        with (
            pytest.raises(StorageUnavailable, match="damaged"),
            half.open(KEY, f"etag:{md5}:10") as reader,
        ):
            reader.read()
    with answering(_head(content, md5), damaged) as (server, _):
        half = S3Ingest(server.clients().client("s3"), "videos").project("acme")
        with pytest.raises(StorageUnavailable, match="damaged"):
            half.fetch(KEY, f"etag:{md5}:10", tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_broken_stream_resumes_at_its_position() -> None:
    content = b"0123456789"
    broken, rest = Answer(body=content[:4], claims=10), Answer(206, body=content[4:])
    with answering(_head(content, "e" * 31), broken, rest) as (server, asked):
        half = S3Outputs(server.clients().client("s3"), "results").project("acme")
        with half.open(OUTPUT) as reader:
            assert b"".join(iter(lambda: reader.read(4), b"")) == content
        assert asked == ["HEAD", "GET", "GET bytes=4-"]
    assert isinstance(reader, io.BufferedReader)


def test_open_result_fails_after_four_breaks() -> None:
    content = b"0123456789"
    broken = Answer(206, body=b"", claims=10)
    with answering(_head(content, "e" * 31), *[broken] * 5) as (server, asked):
        half = S3Outputs(server.clients().client("s3"), "results").project("acme")
        with (
            pytest.raises(StorageError, match="0 read"),
            half.open(OUTPUT) as reader,
        ):
            reader.read()
        assert asked == ["HEAD", *["GET"] * 4]
