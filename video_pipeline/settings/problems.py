"""Problems of pipeline.yaml as messages: where, what, and what to do."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.values import Frozen
from video_pipeline.settings.document import Document, Keys

Schema = dict[str, Any]


class Problem(Frozen):
    """One problem of a value in the file."""

    keys: Keys
    what: str
    remedy: str


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a remedy for a misspelt word: the nearest known one, else all of them."""
    names = sorted(known)
    found = get_close_matches(word, names, n=1, cutoff=0.6)
    if found:
        return f"Did you mean {found[0]!r}?"
    return f"Known: {', '.join(names)}." if names else "None is defined yet."


def unknown(keys: Keys, what: str, word: str, known: Iterable[str]) -> Problem:
    """Return the problem of an unknown word."""
    return Problem(keys=keys, what=f"unknown {what} {word!r}", remedy=nearest(word, known))


def from_pydantic(error: ValidationError, model: type[BaseModel], at: Keys = ()) -> list[Problem]:
    """Return the problems that pydantic found in a `model` at the path `at`."""
    return [_problem(details, model, at) for details in error.errors(include_url=False)]


def _problem(details: ErrorDetails, model: type[BaseModel], at: Keys) -> Problem:
    inner = tuple(key for key in details["loc"] if key != "[key]")
    is_key = details["type"] == "extra_forbidden" or (
        details["type"] == "enum" and "[key]" in details["loc"]
    )
    if is_key:
        known = _keys_at(model.model_json_schema(), inner[:-1])
        return unknown((*at, *inner), "key", str(inner[-1]), known)
    message = details["msg"].removeprefix("Value error, ")
    return Problem(
        keys=(*at, *inner),
        what=message[:1].lower() + message[1:],
        remedy="Add it." if details["type"] == "missing" else "Correct the value.",
    )


def _keys_at(schema: Schema, path: Keys) -> list[str]:
    """Return the keys that the JSON Schema allows there. Empty if any key is allowed."""
    node = schema
    for key in path:
        node = _inner(_resolved(schema, node), str(key))
    found = _resolved(schema, node)
    names = _resolved(schema, found.get("propertyNames", {})).get("enum", [])
    return [*found.get("properties", {}), *names]


def _inner(node: Schema, key: str) -> Schema:
    inner = node.get("properties", {}).get(key) or node.get("additionalProperties") or {}
    return inner if isinstance(inner, dict) else {}


def _resolved(schema: Schema, node: Schema) -> Schema:
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    choices = [_resolved(schema, choice) for choice in node.get("anyOf", [])]
    return next((choice for choice in choices if "properties" in choice), node)


def raise_for(document: Document, problems: Sequence[Problem]) -> None:
    """Raise one ConfigurationError for all problems, if there are any."""
    if not problems:
        return
    first, *others = [
        ConfigurationError(p.what, where=document.where(p.keys), remedy=p.remedy) for p in problems
    ]
    also = "".join(f"\nAlso: {other}" for other in others)
    raise ConfigurationError(first.what, where=first.where, remedy=first.remedy + also)
