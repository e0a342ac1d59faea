"""`aws check` on a real server: which providers are checked, and what is reported."""

import json
from pathlib import Path

import pytest

from video_pipeline_tests.servers.buckets import Servers, made_bucket
from video_pipeline_tests.servers.s3_servers import REGION, S3Server

ENTRIES = """
providers:
  cuts: {{plugin: pyscenedetect}}
  cloud: {{plugin: aws-rekognition, options: {{region: {region}, account: "{account}"}}}}
  unset: {{plugin: aws-rekognition, options: {{region: {region}, access_key_id: {{env: NOT_SET}}}}}}
storage: {{ingest: {{bucket: {bucket}}}}}
catalog: {{database: {database}}}
"""


@pytest.fixture
def server(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    server = servers["moto"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret)
    return server


def configure(config: Path, server: S3Server, account: str = "123456789012") -> None:
    bucket = made_bucket(server, versioned=True).name
    values = {"region": REGION, "account": account, "bucket": bucket, "database": "none"}
    config.write_text(ENTRIES.format(**values))


def test_aws_check_covers_all_aws_providers_only(call, config: Path, server: S3Server) -> None:
    configure(config, server)
    ended = call("aws", "check", "--json")
    found = json.loads(ended.stdout)
    assert {one["provider"] for one in found} == {"cloud", "unset"}
    assert {one["level"] for one in found if one["provider"] == "cloud"} == {"ok", "warning"}
    unset = next(one for one in found if one["provider"] == "unset")
    assert (unset["subject"], unset["level"]) == ("variables", "missing")
    assert "NOT_SET" in unset["detail"]
    assert ended.exit_code == 1


def test_aws_check_of_one_provider_ignores_the_others(call, config: Path, server: S3Server) -> None:
    configure(config, server)
    ended = call("aws", "check", "--provider", "cloud")
    assert ended.exit_code == 0, ended.output
    assert "cloud: ingest bucket" in ended.output and "unset" not in ended.output
    unknown = call("aws", "check", "--provider", "cloudd")
    assert unknown.exit_code == 1 and "Did you mean 'cloud'?" in unknown.output
    assert "no such AWS provider" in call("aws", "check", "--provider", "cuts").output


def test_aws_check_reports_a_wrong_account_with_its_remedy(
    call, config: Path, server: S3Server
) -> None:
    configure(config, server, account="210987654321")
    ended = call("aws", "check", "--provider", "cloud")
    assert ended.exit_code == 1
    assert "210987654321 is billed" in ended.output and "Correct `account`" in ended.output
