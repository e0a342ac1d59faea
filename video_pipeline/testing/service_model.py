"""A service's model in the installed botocore, against which requests and replies are checked.

Botocore's validator checks required and unknown members, types and minima. Maxima, enumerations and
patterns, which it leaves to the service, are checked here.
"""

import re
from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.validate import ParamValidator


class ServiceModel:
    """The shapes of one service, such as `rekognition`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._model: Any = botocore.session.get_session().get_service_model(name)

    def operation(self, name: str) -> Any:
        """Return an operation. Raises botocore's OperationNotFoundError."""
        return self._model.operation_model(name)

    def errors(self, operation: str) -> set[str]:
        """Return the codes of the errors that an operation may raise."""
        return {shape.name for shape in self.operation(operation).error_shapes}

    def request_problems(self, operation: str, request: dict[str, Any]) -> list[str]:
        """Return what is wrong with a request, if anything."""
        return problems(self.operation(operation).input_shape, request)

    def reply_problems(self, operation: str, reply: dict[str, Any]) -> list[str]:
        """Return what is wrong with a reply, if anything."""
        return problems(self.operation(operation).output_shape, reply)


def problems(shape: Any, value: Any) -> list[str]:
    """Return what does not fit one of botocore's shapes, each with its path."""
    if shape is None:
        return [f"there is nothing to say here: {value}"] if value else []
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        return [str(line) for line in report.generate_report().splitlines()]
    return list(_beyond(shape, value, ""))


def _beyond(shape: Any, value: Any, place: str) -> Iterator[str]:
    """Yield problems that botocore does not check, in a value of the right types."""
    yield from _too_much(shape, value, place)
    match shape.type_name:
        case "structure":
            for name, part in value.items():
                yield from _beyond(shape.members[name], part, f"{place}.{name}".strip("."))
        case "list":
            for number, part in enumerate(value):
                yield from _beyond(shape.member, part, f"{place}[{number}]")
        case "map":
            for key, part in value.items():
                yield from _beyond(shape.key, key, f"{place} key")
                yield from _beyond(shape.value, part, f"{place}.{key}")
        case "string":
            yield from _wrong_text(shape, value, place)
        case _:
            pass


def _too_much(shape: Any, value: Any, place: str) -> Iterator[str]:
    greatest = shape.metadata.get("max")
    if greatest is None or isinstance(value, bool):
        return
    if isinstance(value, str | list | dict):
        if len(value) > greatest:
            yield f"{place}: {len(value)} long, at most {greatest}"
    elif value > greatest:
        yield f"{place}: {value} is more than {greatest}"


def _wrong_text(shape: Any, value: str, place: str) -> Iterator[str]:
    """Check enumeration and pattern; services match a pattern against the whole text."""
    if shape.enum and value not in shape.enum:
        yield f"{place}: {value!r} is none of {', '.join(shape.enum)}"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        yield f"{place}: {value!r} does not match {pattern}"
