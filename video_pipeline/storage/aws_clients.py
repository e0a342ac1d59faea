"""Clients of AWS and of what speaks like it, from one session: S3 here, SQS for who asks for it.

Making one touches no network. A session is not safe between threads, its clients are.
"""

# pyright: reportMissingTypeStubs=false

import threading
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.storage.s3_options import S3Options

_SESSION_NAME = "video-pipeline"
_CONNECTIONS = 16


class AwsClients:
    """Makes a client of each service once."""

    def __init__(self, options: S3Options) -> None:
        self.options = options
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[tuple[str, str | None], Any] = {}

    def client(self, service: str, endpoint: str | None = None) -> Any:
        """The client of a service such as `s3` or `sqs`. Raises ConfigurationError.

        The endpoint that pipeline.yaml names is S3's; another service's is given here, or by its
        variable, such as AWS_ENDPOINT_URL_SQS.
        """
        endpoint = endpoint or (self.options.endpoint if service == "s3" else None)
        with self._lock:
            if (service, endpoint) not in self._clients:
                self._clients[service, endpoint] = self._made(service, endpoint)
            return self._clients[service, endpoint]

    def _made(self, service: str, endpoint: str | None) -> Any:
        try:
            self._session = self._session or _session(self.options)
            return self._session.client(
                service, endpoint_url=endpoint, config=_config(self.options, service, endpoint)
            )
        except (BotoCoreError, ValueError) as error:
            raise ConfigurationError(
                f"no client of {service} can be made: {error}",
                where="storage.s3",
                remedy="Mend endpoint, region or profile in pipeline.yaml, or set AWS_REGION.",
            ) from error


def _config(options: S3Options, service: str, endpoint: str | None) -> Config:
    """Version 4 signatures are what KMS and every region take. A server at an address of its own
    rarely has a name for each bucket, so that there the bucket stands in the path."""
    own: dict[str, Any] = {}
    if service == "s3":
        own = {
            "signature_version": "s3v4",
            "s3": {"addressing_style": "path" if endpoint else "auto"},
        }
    return Config(
        retries={"mode": "standard", "total_max_attempts": options.attempts},
        connect_timeout=options.connect_seconds,
        read_timeout=options.read_seconds,
        max_pool_connections=_CONNECTIONS,
        tcp_keepalive=True,
        user_agent_extra=_SESSION_NAME,
        **own,
    )


def _session(options: S3Options) -> Any:
    inner: Any = botocore.session.Session(profile=options.profile)
    session: Any = boto3.Session(
        botocore_session=inner,
        region_name=options.region,
        aws_access_key_id=_shown(options.access_key_id),
        aws_secret_access_key=_shown(options.secret_access_key),
        aws_session_token=_shown(options.session_token),
    )
    if options.role:
        return _as_role(session, options)
    return session


def _shown(secret: Any) -> str | None:
    return secret.get_secret_value() if secret else None


def _as_role(session: Any, options: S3Options) -> Any:
    """A session with the credentials of a role, asked for at the first use and renewed."""
    inner: Any = botocore.session.Session()
    role = _Role(session.client("sts", config=_config(options, "sts", None)), options.role or "")
    inner.register_component("credential_provider", CredentialResolver([role]))
    return boto3.Session(botocore_session=inner, region_name=session.region_name)


class _Role(CredentialProvider):
    METHOD = "assume-role"

    def __init__(self, sts: Any, role: str) -> None:
        self._sts, self._role = sts, role

    def load(self) -> Any:
        """See CredentialProvider."""
        return DeferredRefreshableCredentials(refresh_using=self._fetch, method=self.METHOD)

    def _fetch(self) -> dict[str, str]:
        answer = self._sts.assume_role(RoleArn=self._role, RoleSessionName=_SESSION_NAME)
        found = answer["Credentials"]
        return {
            "access_key": found["AccessKeyId"],
            "secret_key": found["SecretAccessKey"],
            "token": found["SessionToken"],
            "expiry_time": found["Expiration"].isoformat(),
        }
