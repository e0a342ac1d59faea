"""What of a service's own words is passed on: to ledgers, logs and whoever sees a run. Pure.

AWS quotes what was signed where a signature is wrong, the session token with it.
"""

from typing import Any

_LONGEST = 1000
_LONGEST_OF_KEYS = 300
"""Characters."""
_QUOTING = frozenset(
    {"UnrecognizedClientException", "UnrecognizedClient", "InvalidClientTokenId"}
    | {"InvalidSignatureException", "InvalidSignature", "SignatureDoesNotMatch"}
    | {"IncompleteSignature", "IncompleteSignatureException", "InvalidAccessKeyId"}
    | {"MissingAuthenticationToken", "MissingAuthenticationTokenException", "InvalidToken"}
    | {"AuthFailure", "RequestTimeTooSkewed", "RequestExpired"}
)


def short(said: str) -> str:
    """As much of it as anybody reads."""
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."


def passed_on(code: str, said: str) -> str:
    """What is passed on of an error answer's message."""
    if code not in _QUOTING:
        return short(said)
    return said.strip().partition("\n")[0].strip()[:_LONGEST_OF_KEYS]


def keep_short(parsed: dict[str, Any], **_: Any) -> None:
    """A handler of botocore's event after-call: it goes before the error is made, so that no
    traceback shows the rest either."""
    error: dict[str, Any] = parsed.get("Error") or {}
    if error.get("Message"):
        error["Message"] = passed_on(str(error.get("Code", "")), str(error["Message"]))
