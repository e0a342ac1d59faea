"""The resource `s3` of deployments in buckets: Dagster's own, with our options.

The UI shows its users, and of a secret the variable's name. A run's launchpad config can override
it. Creating it and its clients uses no network.
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

# The names of our options in Dagster's resource, where they differ.
_NAMES = {
    "endpoint": "endpoint_url",
    "region": "region_name",
    "profile": "profile_name",
    "attempts": "max_attempts",
    "access_key_id": "aws_access_key_id",
    "secret_access_key": "aws_secret_access_key",
    "session_token": "aws_session_token",
}


class S3(S3Resource):
    """Access to the buckets of storage, with renewed credentials of a role and with timeouts.

    Returns `AwsClients`, which has clients of S3 and of other services, such as SQS.
    """

    role: str | None = Field(default=None, description="The ARN of a role to assume.")
    kms_key: str | None = Field(default=None, description="Encrypts outputs.")
    connect_seconds: float = Field(default=5.0, description="Timeout of a connection.")
    read_seconds: float = Field(default=60.0, description="Timeout between two bytes of an answer.")

    @property
    def clients(self) -> AwsClients:
        """Return the clients; the same options share them."""
        given = {name: getattr(self, _NAMES.get(name, name)) for name in S3Options.model_fields}
        return _clients(json.dumps(given, sort_keys=True))

    def get_client(self) -> Any:
        """Return the client of S3. Raises ConfigurationError."""
        return self.clients.client("s3")

    def get_object_to_set_on_execution_context(self) -> AwsClients:
        """Return what steps and other resources receive."""
        return self.clients


def s3_resource(storage: Storage) -> Any:
    """Return the resource with pipeline.yaml's values as defaults.

    Values given at launch leave the others unchanged. Another resource may depend on it.
    """
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
