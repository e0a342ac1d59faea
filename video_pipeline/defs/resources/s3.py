"""How buckets are reached, as Dagster's own S3 resource: the UI shows it as `s3`, with its users,
and a run's launchpad config can override it. Of a secret it shows the variable's name.

Only deployments in buckets have it. Making it, and the clients it gives, touches no network.
"""

import json
from functools import cache
from typing import Any

import dagster as dg
from dagster_aws.s3 import S3Resource
from pydantic import Field, create_model

from video_pipeline.settings import Storage
from video_pipeline.storage.s3.clients import AwsClients
from video_pipeline.storage.s3.options import S3Options

_NAMES = {
    "endpoint": "endpoint_url",
    "region": "region_name",
    "profile": "profile_name",
    "attempts": "max_attempts",
    "access_key_id": "aws_access_key_id",
    "secret_access_key": "aws_secret_access_key",
    "session_token": "aws_session_token",
}
"""What Dagster's resource calls our options; the others are called alike."""


class S3(S3Resource):
    """Reaches the buckets of storage: with a role's renewed credentials, too, and in bounded time.

    Gives `AwsClients`, from which S3 and the services beside it, such as SQS, are had.
    """

    role: str | None = Field(default=None, description="The ARN of a role to assume.")
    kms_key: str | None = Field(default=None, description="Encrypts outputs.")
    connect_seconds: float = Field(default=5.0, description="How long a connection may take.")
    read_seconds: float = Field(default=60.0, description="How long an answer may stay silent.")

    @property
    def clients(self) -> AwsClients:
        """The clients; made once for the same options."""
        given = {name: getattr(self, _NAMES.get(name, name)) for name in S3Options.model_fields}
        return _clients(json.dumps(given, sort_keys=True))

    def get_client(self) -> Any:
        """The client of S3. Raises ConfigurationError."""
        return self.clients.client("s3")

    def get_object_to_set_on_execution_context(self) -> AwsClients:
        """What steps and other resources get."""
        return self.clients


def s3_resource(storage: Storage) -> Any:
    """The resource with pipeline.yaml's values as defaults: others given at launch leave the rest
    as it is. To be used as it is, and as what another resource depends on."""
    plain = storage.s3.model_dump(exclude=set(storage.s3_variables))
    named = {name: dg.EnvVar(variable) for name, variable in storage.s3_variables.items()}
    fields: dict[str, Any] = {}
    for name, value in {**plain, **named}.items():
        field = S3.model_fields[_NAMES.get(name, name)]
        default = Field(default=value, description=field.description)
        fields[_NAMES.get(name, name)] = (field.annotation, default)
    made: Any = create_model("S3", __base__=S3, __doc__=S3.__doc__, **fields)
    return made.configure_at_launch()


@cache
def _clients(options: str) -> AwsClients:
    return AwsClients(S3Options.model_validate_json(options))
