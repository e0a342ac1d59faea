"""What an error answer of AWS holds, and which failures are for want of credentials."""

# pyright: reportMissingTypeStubs=false

from typing import Any

from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    LoginError,
    MetadataRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    MetadataRetrievalError,
    ProfileNotFound,
    LoginError,
    TokenRetrievalError,
    NoAuthTokenError,
    SSOError,
)
"""Raised before anything is asked: there are none, or they could not be fetched or renewed."""


def code_of(error: ClientError) -> str:
    """The code of an answer; of one without a body, the HTTP status."""
    return str(part_of(error, "Code") or "")


def message_of(error: ClientError) -> str:
    """What the service says of it; may be empty."""
    return str(part_of(error, "Message") or "")


def part_of(error: ClientError, name: str) -> Any:
    """A member of the answer's error; None where it lacks."""
    found: Any = error.response
    return found.get("Error", {}).get(name)


def status_of(error: ClientError) -> int:
    """The HTTP status of an answer; 0 where none is known."""
    found: Any = error.response
    return int(found.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def header_of(error: ClientError, name: str) -> str | None:
    """A header of an answer, by its name in small letters."""
    found: Any = error.response
    return found.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get(name)
