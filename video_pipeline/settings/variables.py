"""`{env: NAME}` in a value: the name of an environment variable that holds it."""

from collections.abc import Iterator, Mapping
from typing import Any


def is_reference(value: Any) -> bool:
    """Whether a value is written `{env: NAME}`."""
    return isinstance(value, dict) and set(value) == {"env"} and isinstance(value["env"], str)


def references(value: Any) -> Iterator[str]:
    """The variables named anywhere within a value."""
    if is_reference(value):
        yield value["env"]
    elif isinstance(value, dict):
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def missing(value: Any, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The variables named within a value that are not set, or empty."""
    return tuple(dict.fromkeys(name for name in references(value) if not environ.get(name)))


def resolve(value: Any, environ: Mapping[str, str]) -> Any:
    """The value with each reference replaced. All variables must be set."""
    if is_reference(value):
        return environ[value["env"]]
    if isinstance(value, dict):
        return {key: resolve(inner, environ) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolve(inner, environ) for inner in value]
    return value
