"""Clients of AWS and compatible servers, all from one session that is made at the first use.

A session is not thread-safe, its clients are. No network and no file is touched before the first
client is requested.
"""

# pyright: reportMissingTypeStubs=false

import math
import threading
from dataclasses import dataclass
from typing import Any, Protocol

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError
from pydantic import SecretStr

from video_pipeline.aws.arrival import READ_TIMEOUTS, limit_arrival
from video_pipeline.aws.errors import keep_short
from video_pipeline.domain.errors import ConfigurationError

_SESSION_NAME = "video-pipeline"
_CONNECTIONS = 16


class Access(Protocol):
    """How AWS is reached. None means: as every AWS tool finds it."""

    @property
    def region(self) -> str | None: ...
    @property
    def profile(self) -> str | None: ...
    @property
    def role(self) -> str | None: ...
    @property
    def access_key_id(self) -> SecretStr | None: ...
    @property
    def secret_access_key(self) -> SecretStr | None: ...
    @property
    def session_token(self) -> SecretStr | None: ...
    @property
    def connect_seconds(self) -> float: ...
    @property
    def read_seconds(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Patience:
    """What bounds a request beside its own attempts and the timeouts of a socket."""

    read_timeouts: float = READ_TIMEOUTS
    """How many read timeouts each stretch of a response may take; see arrival.py."""
    role_attempts: int = 5
    """Attempts to get the credentials of a role."""


STANDARD = Patience()


class Clients:
    """Makes one client for each service, endpoint, number of attempts and read timeout."""

    def __init__(self, access: Access, where: str, patience: Patience = STANDARD) -> None:
        self._access, self._where, self._patience = access, where, patience
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[tuple[str, str | None, int, float], Any] = {}

    def client(
        self, service: str, endpoint: str | None, attempts: int, read_seconds: float = math.inf
    ) -> Any:
        """Return the client of a service such as `s3` or `sqs`, at its own endpoint or at AWS's.
        A throttled or broken request is made up to `attempts` times, with jittered waits. Each
        waits for a byte at most for `read_seconds`, or less where `access` says so, and for the
        response as arrival.py says. Raises ConfigurationError.
        """
        key = (service, endpoint, attempts, min(read_seconds, self._access.read_seconds))
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._made(*key)
            return self._clients[key]

    def _made(self, service: str, endpoint: str | None, attempts: int, read_seconds: float) -> Any:
        try:
            self._session = self._session or _session(self._access, self._patience)
            config = _config(self._access, service, endpoint, attempts, read_seconds)
            client = self._session.client(service, endpoint_url=endpoint, config=config)
        except (BotoCoreError, ValueError) as error:
            raise ConfigurationError(
                f"no client of {service} can be made: {error}",
                where=self._where,
                remedy="Correct endpoint, region or profile in pipeline.yaml, or set AWS_REGION.",
            ) from error
        return _ready(client, self._patience)


def _ready(client: Any, patience: Patience) -> Any:
    """Limit how slowly its responses arrive, and how long its messages are."""
    limit_arrival(client, patience.read_timeouts)
    client.meta.events.register("after-call", keep_short)
    return client


def _config(
    access: Access, service: str, endpoint: str | None, attempts: int, read_seconds: float
) -> Config:
    """Sign with version 4, as KMS and every region require. A server at its own endpoint rarely has
    a host name for each bucket, so the bucket is put into the path."""
    own: dict[str, Any] = {}
    if service == "s3":
        own = {
            "signature_version": "s3v4",
            "s3": {"addressing_style": "path" if endpoint else "auto"},
        }
    return Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=access.connect_seconds,
        read_timeout=read_seconds,
        max_pool_connections=_CONNECTIONS,
        tcp_keepalive=True,
        user_agent_extra=_SESSION_NAME,
        **own,
    )


def _session(access: Access, patience: Patience) -> Any:
    inner: Any = botocore.session.Session(profile=access.profile)
    session: Any = boto3.Session(
        botocore_session=inner,
        region_name=access.region,
        aws_access_key_id=_shown(access.access_key_id),
        aws_secret_access_key=_shown(access.secret_access_key),
        aws_session_token=_shown(access.session_token),
    )
    return _as_role(session, access, patience) if access.role else session


def _shown(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _as_role(session: Any, access: Access, patience: Patience) -> Any:
    """Return a session with the credentials of a role, fetched at the first use and renewed."""
    inner: Any = botocore.session.Session()
    config = _config(access, "sts", None, patience.role_attempts, access.read_seconds)
    sts = _ready(session.client("sts", config=config), patience)
    resolver = CredentialResolver([_Role(sts, str(access.role))])
    inner.register_component("credential_provider", resolver)
    return boto3.Session(botocore_session=inner, region_name=session.region_name)


class _Role(CredentialProvider):
    METHOD = "assume-role"

    def __init__(self, sts: Any, role: str) -> None:
        self._sts, self._role = sts, role

    def load(self) -> Any:
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
