"""The JSON Schema of pipeline.yaml, for editors: `python -m video_pipeline.settings.schema`."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from video_pipeline.plugins import registry
from video_pipeline.settings.form import PipelineForm

FILE = Path(__file__).parent.parent / "pipeline.schema.json"
_REFERENCE = {"$ref": "#/$defs/Reference"}


def installed() -> list[str]:
    """Return the names of the installed plugins."""
    return [*registry.names(registry.TEMPORAL), *registry.names(registry.TRANSCRIPTION)]


def pipeline_schema(plugins: Iterable[str]) -> dict[str, Any]:
    """Return the JSON Schema with the options of these plugins."""
    schema = PipelineForm.model_json_schema()
    definitions = schema["$defs"]
    cases: list[dict[str, Any]] = []
    for plugin in plugins:
        options = registry.load(plugin).Options.model_json_schema(
            ref_template=f"#/$defs/{plugin}.{{model}}"
        )
        inner = options.pop("$defs", {})
        definitions |= {f"{plugin}.{name}": model for name, model in inner.items()}
        definitions[f"{plugin}.options"] = _with_references(options)
        cases.append(
            {
                "if": {"properties": {"plugin": {"const": plugin}}},
                "then": {"properties": {"options": {"$ref": f"#/$defs/{plugin}.options"}}},
            }
        )
    definitions["ProviderForm"]["allOf"] = cases
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _with_references(options: dict[str, Any]) -> dict[str, Any]:
    """Allow `{env: NAME}` for every option, and only that for a secret."""
    properties = {
        name: dict(_REFERENCE) if "password" in json.dumps(form) else {"anyOf": [form, _REFERENCE]}
        for name, form in options.get("properties", {}).items()
    }
    return {**options, "properties": properties}


if __name__ == "__main__":
    FILE.write_text(json.dumps(pipeline_schema(installed()), indent=2) + "\n")
