"""The policy of docs/storage.md is enough, and no more than enough; a role's credentials serve."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from pydantic import SecretStr

from video_pipeline.domain.errors import StorageError
from video_pipeline.storage.s3.clients import AwsClients
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline.storage.s3.outputs import S3Outputs
from video_pipeline_tests.servers.buckets import Servers, made_bucket
from video_pipeline_tests.servers.s3_servers import S3Server

DOCS = Path(__file__).parents[3] / "docs" / "storage.md"
KEY = "projects/acme/videos/v/a.mp4"
OUTPUT = "projects/acme/videos/v/timeline.json"
PART_BYTES = 5 << 20


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[S3Server, AwsClients, AwsClients]]:
    """A server that enforces policies from here on, with both buckets, and a user who has the
    documented one."""
    with ExitStack() as stack:
        server = Servers(stack, tmp_path_factory.mktemp)["moto"]
        client, iam = server.clients().client("s3"), _iam(server)
        for bucket in ("studio-footage", "studio-results"):
            client.create_bucket(Bucket=bucket)
        versions = {"Status": "Enabled"}
        client.put_bucket_versioning(Bucket="studio-footage", VersioningConfiguration=versions)
        client.put_object(Bucket="studio-footage", Key=KEY, Body=b"bytes")
        clients = _user(server, iam, "pipeline", _documented())
        nobody = _user(server, iam, "nobody", None)
        enforce = Request(f"{server.endpoint}/moto-api/reset-auth", b"0")
        enforce.add_header("Content-Type", "text/plain")
        urlopen(enforce, timeout=10).close()
        yield server, clients, nobody


def _documented() -> str:
    found = re.search(r"```json\n(.*?)```", DOCS.read_text(), re.S)
    assert found
    return json.dumps(json.loads(found[1]))


def _iam(server: S3Server) -> Any:
    return server.clients().client("iam", server.endpoint)


def _user(server: S3Server, iam: Any, name: str, policy: str | None) -> AwsClients:
    iam.create_user(UserName=name)
    if policy:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return server.clients(
        access_key_id=SecretStr(key["AccessKeyId"]),
        secret_access_key=SecretStr(key["SecretAccessKey"]),
    )


def test_the_documented_rights_are_enough(guarded: tuple[S3Server, AwsClients, AwsClients]) -> None:
    client = guarded[1].client("s3")
    ingest, outputs = (
        S3Ingest(client, "studio-footage"),
        S3Outputs(client, "studio-results", part_bytes=PART_BYTES),
    )
    (found,) = ingest.listing()
    half, results = ingest.project("acme"), outputs.project("acme")
    assert half.stat("projects/acme/videos/v/none.mp4") is None
    with half.open(found.key, found.version) as reader:
        assert reader.read() == b"bytes"
    for size in (10, PART_BYTES + 1):
        with results.writer(OUTPUT) as target:
            target.write(bytes(size))
        assert len(list(results.listing("projects/acme/"))) == 1
    with pytest.raises(KeyError), results.writer(OUTPUT) as target:
        target.write(bytes(PART_BYTES + 1))
        raise KeyError("mine")
    with results.open(OUTPUT) as reader:
        assert len(reader.read()) == PART_BYTES + 1
    results.delete(OUTPUT)


def test_documented_rights_cannot_write_to_ingest_bucket(
    guarded: tuple[S3Server, AwsClients, AwsClients],
) -> None:
    outputs = S3Outputs(guarded[1].client("s3"), "studio-footage").project("acme")
    with pytest.raises(StorageError, match="Allow s3:PutObject"), outputs.writer(KEY) as target:
        target.write(b"over")
    with pytest.raises(StorageError, match="Allow s3:DeleteObject"):
        outputs.delete(KEY)


def test_missing_right_is_named_and_never_an_absence(
    guarded: tuple[S3Server, AwsClients, AwsClients],
) -> None:
    pipeline, nobody = guarded[1].client("s3"), guarded[2].client("s3")
    with pytest.raises(StorageError, match="Allow s3:GetBucketVersioning"):
        list(S3Ingest(pipeline, "studio-results").listing())
    with pytest.raises(StorageError, match="Allow s3:GetObject"):
        S3Ingest(nobody, "studio-footage").project("acme").stat(KEY)
    with pytest.raises(StorageError, match="Allow s3:ListBucket"):
        list(S3Outputs(nobody, "studio-results").project("acme").listing("projects/acme/"))


def test_credentials_of_a_role_are_requested_once(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = made_bucket(servers["moto"])
    made.put(KEY, b"bytes")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", made.server.endpoint)
    clients = made.server.clients(role="arn:aws:iam::123456789012:role/pipeline")
    client = clients.client("s3")
    assert [found.key for found in S3Ingest(client, made.name).listing()] == [KEY]
    signed = S3Outputs(client, made.name).project("acme").presigned(OUTPUT, 60)
    assert "X-Amz-Security-Token" in signed, "temporary credentials, not the user's own"
    assert clients.client("s3") is client
    queues = clients.client("sqs", made.server.endpoint)
    assert "QueueUrls" not in queues.list_queues(QueueNamePrefix="no-such")
