"""References to environment variables in values, written `{env: NAME}`."""

from collections.abc import Iterator, Mapping
from typing import Any


def is_reference(value: Any) -> bool:
    """Return whether a value is written `{env: NAME}`."""
    return isinstance(value, dict) and set(value) == {"env"} and isinstance(value["env"], str)


def references(value: Any) -> Iterator[str]:
    """Yield the variables that a value names at any depth."""
    if is_reference(value):
        yield value["env"]
    elif isinstance(value, dict):
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def missing(value: Any, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables of a value that are not set, or empty."""
    return tuple(dict.fromkeys(name for name in references(value) if not environ.get(name)))


def resolve(value: Any, environ: Mapping[str, str]) -> Any:
    """Return the value with its references replaced. All variables must be set."""
    if is_reference(value):
        return environ[value["env"]]
    if isinstance(value, dict):
        return {key: resolve(inner, environ) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolve(inner, environ) for inner in value]
    return value
