"""Plugins by name, found by entry points. One is imported when it is loaded, not when listed."""

import sys
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from pydantic import ValidationError

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.time import TimeRange
from video_pipeline.plugins.base import Calls, Jobs, Plugin, PluginOptions, Progress, Streams
from video_pipeline.plugins.inputs import Audio
from video_pipeline.plugins.temporal import BaseTemporalPlugin
from video_pipeline.plugins.transcription import BaseTranscriptionPlugin

TEMPORAL = "video_pipeline.temporal"
TRANSCRIPTION = "video_pipeline.transcription"
# Functions that return a detector of speech, or None where it cannot run.
SPEECH_DETECTOR = "video_pipeline.speech_detector"

_BASES: dict[str, type[Plugin]] = {
    TEMPORAL: BaseTemporalPlugin,
    TRANSCRIPTION: BaseTranscriptionPlugin,
}


def names(group: str) -> tuple[str, ...]:
    """Return the plugins of a group, `TEMPORAL` or `TRANSCRIPTION`, in order, importing none."""
    return tuple(sorted({entry.name for at, entry in _installed(tuple(sys.path)) if at == group}))


def load(plugin: str) -> type[Plugin]:
    """Return the class of a plugin. Raises ConfigurationError, also for a missing library."""
    return _usable(plugin, declared(plugin))


def declared(plugin: str) -> type[Plugin]:
    """Return the class of a plugin, whose libraries may be missing.

    Raises ConfigurationError for a name that is not installed or is installed twice, for a module
    that cannot be imported, and for a class that is not a plugin of its group.
    """
    group, entry = _entry(plugin)
    try:
        loaded: object = entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"plugin {plugin!r} cannot be imported: {error}",
            remedy=f"Install {_distribution(entry)} again, with the libraries that it needs.",
        ) from error
    return _checked(plugin, loaded, _BASES[group])


def speech_detector() -> Callable[[Audio, Progress], tuple[TimeRange, ...]] | None:
    """Return what finds speech in audio; None where its libraries are not installed."""
    for entry in entry_points(group=SPEECH_DETECTOR):
        found = entry.load()()
        if found is not None:
            return found
    return None


def absent(plugin: type[Plugin]) -> tuple[str, ...]:
    """Return the libraries of a plugin that are not installed."""
    return tuple(library for library in plugin.libraries if find_spec(library) is None)


def create(plugin: str, options: Mapping[str, Any]) -> Plugin:
    """Return a plugin with its options. Raises ConfigurationError, also for wrong options."""
    loaded = load(plugin)
    return loaded(_options(plugin, loaded.Options, options))


@cache
def _installed(path: tuple[str, ...]) -> tuple[tuple[str, EntryPoint], ...]:
    """Return the entry points of both groups on this path. The first call reads the metadata of
    every distribution, which takes 20 CPU-ms."""
    return tuple((group, entry) for group in _BASES for entry in entry_points(group=group))


def _entry(plugin: str) -> tuple[str, EntryPoint]:
    known = _installed(tuple(sys.path))
    found = list(dict.fromkeys(pair for pair in known if pair[1].name == plugin))
    if not found:
        every = sorted({entry.name for _, entry in known})
        raise ConfigurationError(
            f"no plugin {plugin!r} is installed{_nearest(plugin, every)}",
            remedy=f"Use one of: {', '.join(every) or 'none is installed'}.",
        )
    if len(found) > 1:
        values = ", ".join(f"{entry.value} from {_distribution(entry)}" for _, entry in found)
        raise ConfigurationError(
            f"plugin {plugin!r} is installed more than once: {values}",
            remedy="Uninstall all but one.",
        )
    return found[0]


def _checked(plugin: str, loaded: object, base: type[Plugin]) -> type[Plugin]:
    if not (isinstance(loaded, type) and issubclass(loaded, base)):
        raise ConfigurationError(
            f"plugin {plugin!r} is not a {base.__name__}",
            remedy=f"Derive its class from {base.__name__}, or use the other entry point group.",
        )
    if not issubclass(loaded, (Streams, Calls, Jobs)):
        raise ConfigurationError(
            f"plugin {plugin!r} does not say how it runs",
            remedy="Derive its class from Streams, Calls or Jobs too.",
        )
    return loaded


def _usable(plugin: str, loaded: type[Plugin]) -> type[Plugin]:
    missing = absent(loaded)
    if missing:
        raise ConfigurationError(
            f"plugin {plugin!r} needs {', '.join(missing)}, which is not installed",
            remedy=f"Run: {loaded.install or 'pip install ' + ' '.join(missing)}",
        )
    return loaded


def _options(plugin: str, model: type[PluginOptions], options: Mapping[str, Any]) -> PluginOptions:
    known = sorted(model.model_fields)
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ConfigurationError(
            f"plugin {plugin!r} has no option {unknown[0]!r}{_nearest(unknown[0], known)}",
            remedy=f"Its options are: {', '.join(known) or 'none'}.",
        )
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        option = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(
            f"option {option!r} of plugin {plugin!r} is wrong: {first['msg']}",
            remedy="Correct it in pipeline.yaml.",
        ) from error


def _nearest(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "its package"
