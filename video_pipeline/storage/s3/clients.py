"""Clients of the stores: S3, and related services such as SQS."""

from typing import Any

from video_pipeline.aws.clients import STANDARD, Clients, Patience
from video_pipeline.storage.s3.options import S3Options

# Limits of one request of a tick, which has 60 s. A store that never answers takes about 20 s, and
# the next tick asks again.
_TICK_ATTEMPTS, _TICK_CONNECT_SECONDS, _TICK_READ_SECONDS = 2, 5.0, 10.0


class AwsClients:
    """Creates a client of each service once."""

    def __init__(self, options: S3Options, patience: Patience = STANDARD) -> None:
        self.options = options
        self._clients = Clients(options, "storage.s3", patience)

    def for_ticks(self) -> "AwsClients":
        """Return clients for short requests, which soon give up on a store that never answers."""
        given = self.options
        limits = {
            "attempts": min(given.attempts, _TICK_ATTEMPTS),
            "connect_seconds": min(given.connect_seconds, _TICK_CONNECT_SECONDS),
            "read_seconds": min(given.read_seconds, _TICK_READ_SECONDS),
        }
        patience = Patience(read_timeouts=1, role_attempts=_TICK_ATTEMPTS)
        return AwsClients(given.model_copy(update=limits), patience)

    def client(self, service: str, endpoint: str | None = None) -> Any:
        """Return the client of a service such as `s3` or `sqs`. Raises ConfigurationError.

        The endpoint in pipeline.yaml is that of S3. Other services take theirs from the argument or
        from a variable such as AWS_ENDPOINT_URL_SQS.
        """
        endpoint = endpoint or (self.options.endpoint if service == "s3" else None)
        return self._clients.client(service, endpoint, self.options.attempts)
