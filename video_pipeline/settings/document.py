"""Reads a YAML file into plain values with their line numbers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from video_pipeline.domain.errors import ConfigurationError

# The path to a value: keys and indices from the top.
Keys = tuple[str | int, ...]


class Document:
    """The text of one YAML file, and its values with their lines."""

    def __init__(self, file: Path, text: str, value: Any, lines: dict[Keys, int]) -> None:
        self.file, self.text, self.value, self._lines = file, text, value, lines

    def where(self, keys: Keys) -> str:
        """Return file, line and keys of a value. A missing value has the line of its parent."""
        written = next((keys[:n] for n in range(len(keys), 0, -1) if keys[:n] in self._lines), ())
        line = self._lines.get(written, 1)
        return ", ".join([str(self.file), f"line {line}", *([dotted(keys)] if keys else [])])


def dotted(keys: Keys) -> str:
    """Return keys as `providers.base.options`."""
    return ".".join(str(key) for key in keys)


def read_document(file: Path) -> Document:
    """Read a YAML file. Raises ConfigurationError if it is missing or not a mapping."""
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"the file cannot be read: {error.strerror}",
            where=str(file),
            remedy="Check the path, or name another with --config or VIDEO_PIPELINE_CONFIG.",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            "the file is not UTF-8 text", where=str(file), remedy="Save it as UTF-8."
        ) from error
    return document_of(file, text)


def document_of(file: Path, text: str) -> Document:
    """Parse a text of this YAML file. Raises ConfigurationError if it is not a mapping."""
    value, node = _parse(file, text)
    if not isinstance(value, dict):
        raise ConfigurationError(
            "the file is no mapping of keys to values",
            where=str(file),
            remedy="Start it with `providers:`. See docs/configuration.md.",
        )
    return Document(file, text, value, dict(_lines(node, ())))


def _parse(file: Path, text: str) -> tuple[Any, Node]:
    try:
        return YAML(typ="safe", pure=True).load(text), YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigurationError(
            f"the file is not YAML: {error.problem or error.context}",
            where=f"{file}, line {mark.line + 1}" if mark else str(file),
            remedy="Correct it there: indentation, a colon, a quote, or a key written twice.",
        ) from error
    except YAMLError as error:
        raise ConfigurationError(
            "the file is not YAML", where=str(file), remedy="Remove its control characters."
        ) from error


def _lines(node: Node, keys: Keys) -> Iterator[tuple[Keys, int]]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield (*keys, str(key.value)), key.start_mark.line + 1
            yield from _lines(value, (*keys, str(key.value)))
    elif isinstance(node, SequenceNode):
        for index, value in enumerate(node.value):
            yield (*keys, index), value.start_mark.line + 1
            yield from _lines(value, (*keys, index))
