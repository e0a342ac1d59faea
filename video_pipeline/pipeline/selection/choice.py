"""The providers of a project, and the choice behind a result: plugin, model, options as a hash."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from video_pipeline.domain.phases import Phase, phase_of
from video_pipeline.domain.work import choice_hash
from video_pipeline.pipeline.policies import Choices
from video_pipeline.plugins.base import Plugin


@dataclass(frozen=True, slots=True)
class ProjectProviders:
    """The providers that serve the phases of one project."""

    project: str
    choices: Choices
    plugins: Mapping[str, Plugin]
    overrides: Mapping[Phase, tuple[str, ...]] = field(default_factory=dict[Phase, tuple[str, ...]])
    """The providers that one run tries instead of those of pipeline.yaml."""

    @property
    def language(self) -> str | None:
        """Return the language to request of transcripts."""
        return self.choices.of(self.project, Phase.TRANSCRIPT).language

    def order(self, phase: Phase) -> tuple[str, ...]:
        """Return the providers of a phase, in the order in which they are tried."""
        return self.overrides.get(phase) or self.choices.of(self.project, phase).providers

    def is_optional(self, phase: Phase) -> bool:
        """Return whether the timeline is made without the phase if it fails."""
        return self.choices.of(self.project, phase).optional

    def choice(self, provider: str, phase: Phase) -> str | None:
        """Return the choice of a provider for a phase; None if it has no plugin here."""
        plugin = self.plugins.get(provider)
        return None if plugin is None else choice_of(plugin, phase, self.language)


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
