"""Which keys may stand at a place, read from the JSON Schema of the form."""

from typing import Any

from video_pipeline.settings.document import Keys

Schema = dict[str, Any]


def keys_at(schema: Schema, place: Keys) -> list[str]:
    """The keys that the schema knows at a place; none where any may stand."""
    node = schema
    for key in place:
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
