"""The options that the AWS plugins share, and their clients, made at the first use.

Making a session does not even load AWS's library, which takes a second.
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from video_pipeline.plugins.base import PluginOptions

if TYPE_CHECKING:
    from video_pipeline.aws.clients import Clients

# The SDK's attempts at a request that costs nothing. A paid one gets a single attempt: the pipeline
# decides on retries.
_ATTEMPTS = 2
# Read timeout of such a request. One sweep polls many jobs, and retries in the next round.
_ASKING_SECONDS = 10.0


class AwsOptions(PluginOptions):
    """How AWS is reached. An option left out is found as every AWS tool finds it.

    None of them identifies a request or makes a result stale. Region and account do, beside the
    options.
    """

    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", exclude=True)
    """Where the work is done and the bucket lies."""
    account: str | None = Field(default=None, pattern=r"^\d{12}$", exclude=True)
    """The number of the account that is billed; known from the role, where one is named."""
    profile: str | None = Field(default=None, exclude=True)
    """A profile of ~/.aws/config."""
    role: str | None = Field(
        default=None, pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+", exclude=True
    )
    """The ARN of a role to assume; its credentials are renewed before they expire."""
    endpoint: str | None = Field(default=None, pattern=r"^https?://", exclude=True)
    """Where the service is, if not where AWS has it."""
    access_key_id: SecretStr | None = Field(default=None, exclude=True)
    secret_access_key: SecretStr | None = Field(default=None, exclude=True)
    session_token: SecretStr | None = Field(default=None, exclude=True)
    connect_seconds: float = Field(default=5.0, gt=0, exclude=True)
    read_seconds: float = Field(default=30.0, gt=0, exclude=True)
    """Without a byte of an answer; at most 10 where nothing is paid. aws/arrival.py limits the
    whole."""
    deadline_hours: float = Field(default=24.0, gt=0, exclude=True)
    """When a job that has not ended is given up."""
    completions: str | None = Field(default=None, pattern=r"^https?://", exclude=True)
    """The URL of the SQS queue in which AWS tells that jobs have ended; without one they are only
    looked up."""


class AwsSession:
    """The clients of one plugin."""

    def __init__(self, options: AwsOptions, service: str) -> None:
        self._options, self._service = options, service
        self._clients: Clients | None = None

    @property
    def account(self) -> str:
        """The account that is billed: its number, or the profile where the number is not known. It
        is found without the network, for plans made offline."""
        options = self._options
        if options.account:
            return options.account
        if options.role:
            return options.role.split(":")[4]
        return f"profile {options.profile}" if options.profile else "default"

    def starts(self) -> Any:
        """Return the client for paid requests, which makes each of them once."""
        return self._made().client(self._service, self._options.endpoint, 1)

    def asks(self) -> Any:
        """Return the client for all other requests."""
        return self._asking(self._service, self._options.endpoint)

    def s3(self) -> Any:
        """Return the client of S3, at AWS or AWS_ENDPOINT_URL_S3."""
        return self._asking("s3", None)

    def queue(self, url: str) -> Any:
        """Return the client of SQS for this queue."""
        parts = urlsplit(url)
        return self._asking("sqs", f"{parts.scheme}://{parts.netloc}")

    def _asking(self, service: str, endpoint: str | None) -> Any:
        return self._made().client(service, endpoint, _ATTEMPTS, _ASKING_SECONDS)

    def _made(self) -> "Clients":
        from video_pipeline.aws.clients import Clients

        if self._clients is None:
            self._clients = Clients(self._options, "providers")
        return self._clients
