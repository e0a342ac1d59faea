"""Clients for the stores: S3, and the services beside it for who asks for them, such as SQS.

How a client is made is in the room `aws`.
"""

from typing import Any

from video_pipeline.aws.clients import Clients
from video_pipeline.storage.s3.options import S3Options


class AwsClients:
    """Makes a client of each service once."""

    def __init__(self, options: S3Options) -> None:
        self.options = options
        self._clients = Clients(options, "storage.s3")

    def client(self, service: str, endpoint: str | None = None) -> Any:
        """The client of a service such as `s3` or `sqs`. Raises ConfigurationError.

        The endpoint that pipeline.yaml names is S3's; another service's is given here, or by its
        variable, such as AWS_ENDPOINT_URL_SQS.
        """
        endpoint = endpoint or (self.options.endpoint if service == "s3" else None)
        return self._clients.client(service, endpoint, self.options.attempts)
