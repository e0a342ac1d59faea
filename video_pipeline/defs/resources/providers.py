"""Each entry under `providers:` in pipeline.yaml as one Dagster resource that returns the plugin.

The UI's Resources page shows plugin, options and users, and a run's launchpad config can override
the options. Of a secret it shows the variable's name. Creating one uses no network.
"""

import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from video_pipeline.defs.resources.option_classes import is_model, option_class
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.plugins.base import Plugin
from video_pipeline.settings import Settings
from video_pipeline.settings.entries import plugin_of
from video_pipeline.settings.variables import is_reference


def provider_resources(settings: Settings) -> dict[str, dg.ConfigurableResource[Any]]:
    """Return the resources of all entries by key. Raises ConfigurationError for equal keys."""
    return {
        key: provider_resource(name, plugin_of(entry), entry.options)
        for name, entry in settings.providers.items()
        for key in [resource_keys(settings.providers)[name]]
    }


def chosen_entries(settings: Settings) -> dict[str, str]:
    """Return the entries that a step requires, with their resource keys.

    They are chosen by a phase of any project, and all their variables are set. An unset variable
    of a required resource fails every run before its first step.
    """
    choices = settings.choices
    chosen = {
        name
        for phases in (choices.phases, *choices.projects.values())
        for choice in phases.values()
        for name in choice.providers
    }
    keys = resource_keys(settings.providers)
    return {name: keys[name] for name in sorted(chosen) if settings.providers[name].available}


def resource_keys(names: Iterable[str]) -> dict[str, str]:
    """Return a resource key for each entry: its name, with `_` for characters Dagster refuses."""
    keys: dict[str, str] = {}
    for name in names:
        key = re.sub(r"\W", "_", name, flags=re.ASCII)
        key = f"_{key}" if not key.isidentifier() or keyword.iskeyword(key) else key
        if key in keys.values() or key in RESERVED:
            raise ConfigurationError(
                f"the entry {name!r} and another would be one resource, {key!r}",
                where="providers",
                remedy="Rename one of them so that they differ in letters or digits.",
            )
        keys[name] = key
    return keys


# Keys of other resources: no entry can have them.
RESERVED = frozenset({"pipeline", "s3", "io_manager"})


def provider_resource(
    name: str, plugin: type[Plugin], given: Mapping[str, Any]
) -> dg.ConfigurableResource[Any]:
    """Return the resource of one entry; `given` are its options as written."""
    made = option_class(
        plugin.Options,
        _resource_base(plugin),
        given,
        __doc__=_description(name, plugin),
        __module__=plugin.__module__,
    )
    options = plugin.Options.model_fields
    flat = {k: v for k, v in given.items() if not is_model(options[k].annotation)}
    return made(**{k: dg.EnvVar(v["env"]) if is_reference(v) else v for k, v in flat.items()})


def _resource_base(plugin: type[Plugin]) -> type[dg.ConfigurableResource[Any]]:
    class ProviderResource(dg.ConfigurableResource[Any]):
        def create_resource(self, context: dg.InitResourceContext) -> Plugin:
            options = plugin.Options
            given = self.model_dump(include=set(options.model_fields))
            return plugin(options.model_validate(given))

    ProviderResource.__name__ = plugin.__name__
    return ProviderResource


def _description(name: str, plugin: type[Plugin]) -> str:
    return f"{name}: plugin {plugin.name} {plugin.version}\n\n{plugin.__doc__ or ''}".strip()
