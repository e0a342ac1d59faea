"""Reads the entries under `providers:` and checks them against their plugins."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.plugins import registry
from video_pipeline.plugins.base import Plugin
from video_pipeline.settings import variables
from video_pipeline.settings.document import Keys
from video_pipeline.settings.form import ProviderForm
from video_pipeline.settings.model import ProviderEntry
from video_pipeline.settings.problems import Problem, from_pydantic

# The option of plugins that read models: the folder searched first.
_MODELS_OPTION = "models_folder"


def read_entries(
    forms: Mapping[str, ProviderForm], environ: Mapping[str, str]
) -> tuple[dict[str, ProviderEntry], list[Problem]]:
    """Return every entry with its variables resolved, and the problems found."""
    entries = {name: _entry(form, environ) for name, form in forms.items()}
    problems = [p for name, entry in entries.items() for p in _check(name, entry)]
    if not problems:
        entries = {
            name: entry.model_copy(update={"absent": registry.absent(plugin_of(entry))})
            for name, entry in entries.items()
        }
    return entries, problems


def plugin_of(entry: ProviderEntry) -> type[Plugin]:
    """Return the plugin class of an entry. Raises ConfigurationError if there is none."""
    return registry.declared(entry.plugin)


def with_models(entry: ProviderEntry, folder: Path) -> ProviderEntry:
    """Return the entry with the folder of models, if its plugin needs one and it names none."""
    if _MODELS_OPTION not in plugin_of(entry).Options.model_fields:
        return entry
    given = {_MODELS_OPTION: str(folder)}
    changed = {"options": given | entry.options, "values": given | entry.values}
    return entry.model_copy(update=changed)


def _entry(form: ProviderForm, environ: Mapping[str, str]) -> ProviderEntry:
    missing = variables.missing(form.options, environ)
    known = dict.fromkeys(missing, "") | dict(environ)
    return ProviderEntry(
        plugin=form.plugin,
        options=form.options,
        values=variables.resolve(form.options, known),
        missing=missing,
    )


def _check(name: str, entry: ProviderEntry) -> list[Problem]:
    at = ("providers", name)
    try:
        options = plugin_of(entry).Options
    except ConfigurationError as error:
        return [Problem(keys=(*at, "plugin"), what=error.what, remedy=error.remedy)]
    literal_secrets = [
        Problem(
            keys=(*at, "options", *keys),
            what="a secret is written in the file",
            remedy="Put it into an environment variable and write {env: NAME}.",
        )
        for keys in _literals(options, entry.options)
    ]
    return [*literal_secrets, *_wrong_options(options, entry, at)]


def _wrong_options(options: type[BaseModel], entry: ProviderEntry, at: Keys) -> list[Problem]:
    try:
        options.model_validate(entry.values)
    except ValidationError as error:
        found = from_pydantic(error, options, (*at, "options"))
        return [p for p in found if not _depends_on_unset(p.keys[len(at) + 1 :], entry)]
    return []


def _depends_on_unset(keys: Keys, entry: ProviderEntry) -> bool:
    """Return whether a value cannot be checked because one of its variables is not set."""
    value: Any = entry.options
    for key in keys:
        if variables.is_reference(value):
            break
        value = value.get(key) if isinstance(value, dict) else None
    return any(name in entry.missing for name in variables.references(value))


def _literals(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[Keys]:
    """Yield the paths of secrets that are not written as references."""
    for name, field in model.model_fields.items():
        value = values.get(name)
        if value is None or variables.is_reference(value):
            continue
        if _is_secret(field.annotation):
            yield (name,)
        elif isinstance(value, dict) and (inner := _model(field.annotation)):
            yield from ((name, *keys) for keys in _literals(inner, value))


def _is_secret(annotation: Any) -> bool:
    return annotation in (SecretStr, SecretBytes) or any(map(_is_secret, get_args(annotation)))


def _model(annotation: Any) -> type[BaseModel] | None:
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation if is_model else None
