"""The choice behind a result: its hash, and the options that count in it."""

from video_pipeline.domain.phases import Phase, phase_of
from video_pipeline.domain.work import choice_hash
from video_pipeline.plugins.base import Plugin


def choice_of(plugin: Plugin, phase: Phase, language: str | None) -> str:
    """The hash that a result made by this plugin, so configured and asked, carries."""
    kinds = tuple(k for k in plugin.capabilities().kinds if phase_of(k) is phase)
    options: dict[str, object] = {**plugin.options_for(kinds)}
    if phase is Phase.TRANSCRIPT:
        options["asked language"] = language
    return choice_hash(f"{plugin.name} {plugin.version}", plugin.model, options)


def options_of(plugin: Plugin) -> dict[str, object]:
    """The options as plain values; secrets are masked."""
    return plugin.options.model_dump(mode="json")
