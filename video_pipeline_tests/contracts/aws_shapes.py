"""Compare the parts of botocore's models that the AWS plugins rely on with aws_shapes.json.

A path is `Operation.input` or `Operation.output`, then member names; `[]` means a list's items. An
enumeration is recorded with its values: a plugin would have to support a new one.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore
import botocore.session

Shapes = Mapping[str, Mapping[str, dict[str, Any]]]
_KEPT = Path(__file__).with_suffix(".json")


def kept() -> Shapes:
    """Return the recorded shapes, by service and path."""
    return json.loads(_KEPT.read_text())


def differences(shapes: Shapes) -> list[str]:
    """Return how the installed botocore differs from these shapes, one message per difference."""
    found: list[str] = []
    for service, paths in shapes.items():
        model = botocore.session.get_session().get_service_model(service)
        found += filter(None, (_difference(model, path, was) for path, was in paths.items()))
    return found


def _difference(model: Any, path: str, was: Any) -> str | None:
    operation, side, *names = path.split(".")
    said = f"botocore {botocore.__version__}, {model.service_name} {path}"
    if operation not in model.operation_names:
        return f"{said}: there is no such operation any more"
    shape: Any = getattr(model.operation_model(operation), f"{side}_shape")
    required = False
    for name in names:
        members = shape.members if shape else {}
        member = name.rstrip("[]")
        if member not in members:
            return f"{said}: there is no {member} any more, but {', '.join(members)}"
        required = member in shape.required_members
        shape = members[member]
        for _ in range(name.count("[]")):
            shape = shape.member
    return _compared(said, was, {"type": shape.type_name, **_told(shape, required, side)})


def _told(shape: Any, required: bool, side: str) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if getattr(shape, "enum", None):
        told["enum"] = sorted(shape.enum)
    for bound in ("min", "max", "pattern"):
        if bound in shape.metadata:
            told[bound] = shape.metadata[bound]
    if required and side == "input":
        told["required"] = True
    return told


def _compared(said: str, was: dict[str, Any], now: dict[str, Any]) -> str | None:
    changed = [
        f"{name} was {was.get(name)!r} and is {now.get(name)!r}"
        for name in sorted(was.keys() | now.keys())
        if was.get(name) != now.get(name)
    ]
    return f"{said}: {'; '.join(changed)}" if changed else None
