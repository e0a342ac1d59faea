"""The options of S3 in pipeline.yaml. Needs no client library."""

from pydantic import Field, SecretStr

from video_pipeline.domain.values import Frozen


class S3Options(Frozen):
    """What is left out is found as every AWS tool finds it: variables, profile, instance role."""

    endpoint: str | None = None
    """The address of a store that speaks S3; without one, AWS's own."""
    region: str | None = None
    profile: str | None = None
    """A profile of ~/.aws/config."""
    role: str | None = None
    """The ARN of a role to assume; its credentials are renewed before they expire."""
    kms_key: str | None = None
    """The KMS key (ARN, id or alias) with which outputs are encrypted."""
    access_key_id: SecretStr | None = None
    secret_access_key: SecretStr | None = None
    session_token: SecretStr | None = None
    attempts: int = Field(5, ge=1, le=20)
    """How often a request is made that is throttled or breaks, with jittered waits between."""
    connect_seconds: float = Field(5.0, gt=0)
    read_seconds: float = Field(60.0, gt=0)
    """Without a byte of an answer; aws/arrival.py limits the whole of it."""
