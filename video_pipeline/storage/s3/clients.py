"""Clients of the stores: S3, and related services such as SQS."""

from typing import Any

from video_pipeline.aws.clients import Clients
from video_pipeline.storage.s3.options import S3Options


class AwsClients:
    """Creates a client of each service once."""

    def __init__(self, options: S3Options) -> None:
        self.options = options
        self._clients = Clients(options, "storage.s3")

    def client(self, service: str, endpoint: str | None = None) -> Any:
        """Return the client of a service such as `s3` or `sqs`. Raises ConfigurationError.

        The endpoint in pipeline.yaml is that of S3. Other services take theirs from the argument or
        from a variable such as AWS_ENDPOINT_URL_SQS.
        """
        endpoint = endpoint or (self.options.endpoint if service == "s3" else None)
        return self._clients.client(service, endpoint, self.options.attempts)
