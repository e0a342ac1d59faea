"""Reaching AWS: nothing is touched before it is asked, and what is paid is asked for once."""

import subprocess
import sys
from traceback import format_exception
from typing import Any

import pytest
from botocore.stub import Stubber
from pydantic import SecretStr

from video_pipeline.domain.errors import ConfigurationError, ProviderError
from video_pipeline.plugins.conformance.watch import touched_within
from video_pipeline.providers.aws.errors import provider_errors
from video_pipeline.providers.aws.session import AwsOptions, AwsSession
from video_pipeline_tests.servers.buckets import Servers

ROLE = "arn:aws:iam::123456789012:role/video"


def options(**more: Any) -> AwsOptions:
    keys = {"access_key_id": SecretStr("a"), "secret_access_key": SecretStr("b")}
    return AwsOptions.model_validate({"region": "eu-central-1", **keys, **more})


def test_creating_a_session_does_no_io() -> None:
    with touched_within() as touched:
        session = AwsSession(options(role=ROLE), "rekognition")
        assert session.account == "123456789012"
    assert touched == []


def test_plugins_of_aws_are_made_without_loading_its_library() -> None:
    program = (
        "import sys\n"
        "from video_pipeline.providers.aws.rekognition.plugin import RekognitionPlugin as P\n"
        "P(P.Options(region='eu-central-1')).capabilities()\n"
        "sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_paid_calls_are_not_retried_and_others_are() -> None:
    session = AwsSession(options(endpoint="http://127.0.0.1:1"), "rekognition")
    attempts = [
        client.meta.config.retries["total_max_attempts"]
        for client in (session.starts(), session.asks(), session.s3())
    ]
    assert attempts == [1, 2, 2]
    assert session.starts() is session.starts() is not session.asks()


def test_every_client_has_a_timeout() -> None:
    session = AwsSession(options(connect_seconds=2, read_seconds=7), "rekognition")
    for client in (session.starts(), session.asks(), session.s3()):
        assert (client.meta.config.connect_timeout, client.meta.config.read_timeout) == (2, 7)


def test_free_calls_have_short_timeouts() -> None:
    session = AwsSession(options(), "rekognition")
    queue = session.queue("https://sqs.eu-west-1.amazonaws.com/123456789012/ended")
    for client in (session.asks(), session.s3(), queue):
        config = client.meta.config
        assert config.retries["total_max_attempts"] <= 2 and config.read_timeout <= 10
    assert session.starts().meta.config.read_timeout == 30


def test_queue_region_is_taken_from_its_url() -> None:
    session = AwsSession(options(), "rekognition")
    queue = session.queue("https://sqs.eu-west-1.amazonaws.com/123456789012/ended")
    assert queue.meta.endpoint_url == "https://sqs.eu-west-1.amazonaws.com"


def test_session_options_are_not_hashed_or_shown() -> None:
    assert options(role=ROLE, profile="x", completions="http://q/1/a").model_dump() == {}
    assert "b'" not in repr(options()) and "SecretStr('**" in repr(options())


def test_missing_profile_is_reported() -> None:
    given = AwsOptions(region="eu-central-1", profile="no-such-profile")
    with pytest.raises(ConfigurationError, match="no-such-profile"):
        AwsSession(given, "rekognition").asks()


def test_a_role_is_assumed_and_its_credentials_are_used(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = servers["moto"].endpoint
    for service in ("STS", "S3"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", endpoint)
    client = AwsSession(options(role=ROLE), "rekognition").s3()
    signed: list[str] = []

    def seen(request: Any, **_: Any) -> None:
        signed.append(request.headers["X-Amz-Security-Token"])

    client.meta.events.register("before-send.s3", seen)
    client.list_buckets()
    assert signed and signed[0]


@pytest.mark.parametrize("code", ["InvalidSignatureException", "SignatureDoesNotMatch"])
def test_signatures_are_not_shown(code: str) -> None:
    client = AwsSession(options(), "rekognition").starts()
    quoted = "The signature does not match.\n\nThe Canonical String\nx-amz-security-token:SECRET"
    with Stubber(client) as stub, pytest.raises(ProviderError) as raised, provider_errors("here"):
        stub.add_client_error("start_label_detection", code, quoted)
        video = {"S3Object": {"Bucket": "videos", "Name": "a.mp4"}}
        client.start_label_detection(Video=video)
    shown = "".join(format_exception(raised.value))
    assert "SECRET" not in shown and "The signature does not match" in shown and code in shown


def test_long_messages_of_aws_are_shortened() -> None:
    client = AwsSession(options(), "rekognition").starts()
    with Stubber(client) as stub, pytest.raises(ProviderError) as raised, provider_errors("here"):
        stub.add_client_error("list_collections", "ValidationException", "long " * 10_000)
        client.list_collections()
    assert len("".join(format_exception(raised.value))) < 10_000


@pytest.mark.parametrize(
    "given",
    [
        {"region": ""},
        {"account": "me"},
        {"role": "video"},
        {"endpoint": "rekognition"},
        {"completions": "arn:aws:sqs:eu-central-1:1:a"},
        {"read_seconds": 0},
    ],
)
def test_invalid_options_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        options(**given)
