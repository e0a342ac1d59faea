"""Compute the choice behind a result: plugin, model and options, as one hash."""

from video_pipeline.domain.phases import Phase, phase_of
from video_pipeline.domain.work import choice_hash
from video_pipeline.plugins.base import Plugin


def choice_of(plugin: Plugin, phase: Phase, language: str | None) -> str:
    """Return the hash of the plugin as configured, for a phase and a requested language."""
    kinds = tuple(k for k in plugin.capabilities().kinds if phase_of(k) is phase)
    options: dict[str, object] = {**plugin.options_for(kinds)}
    if phase is Phase.TRANSCRIPT:
        options["asked language"] = language
    return choice_hash(f"{plugin.name} {plugin.version}", plugin.model, options)


def options_of(plugin: Plugin) -> dict[str, object]:
    """Return the options as plain values, with secrets masked."""
    return plugin.options.model_dump(mode="json")
