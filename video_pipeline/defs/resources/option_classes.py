"""Dagster config classes made from pydantic options, with the values of pipeline.yaml as defaults.

Each entry gets classes of its own, nested ones too: a value given only to a constructor is lost
when the launchpad overrides another. Types that Dagster's config lacks (decimals, paths, enums,
unions) pass unchanged, and values of variables pass as text. The options validate both.
"""

import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import dagster as dg
from pydantic import BaseModel, Field, SecretStr, create_model
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.settings.variables import is_reference

_PLAIN = (str, int, float, bool)


def option_class(
    options: type[BaseModel], base: type[Any], given: Mapping[str, Any], **attributes: Any
) -> type[Any]:
    """Return a subclass of `base` with a field for each option.

    Defaults are `given`, else the option's. Raises ConfigurationError for a literal secret.
    """
    fields: dict[str, Any] = {
        name: (
            str
            if is_reference(given.get(name))
            else config_type(field.annotation, given.get(name)),
            Field(
                default=_default(name, field, given),
                description=field.description,
                json_schema_extra={"dagster__is_secret": True} if is_secret(field) else None,
            ),
        )
        for name, field in options.model_fields.items()
        if _checked(name, field, given)
    }
    name = options.__name__ if base is dg.Config else base.__name__
    return create_model(name, __base__=base, **attributes, **fields)


def config_type(annotation: Any, given: Any = None, *, inner: bool = False) -> Any:
    """Return the type in Dagster's config for an option's type, or Any where it has none."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return config_type(args[0], given, inner=inner)
    if annotation is SecretStr:
        return str
    if annotation in _PLAIN:
        return annotation
    if is_model(annotation):
        return option_class(annotation, dg.Config, given or {})
    if origin is Literal:
        return annotation if not inner and all(isinstance(a, str) for a in args) else Any
    return _composed(origin, args, given)


def _composed(origin: Any, args: tuple[Any, ...], given: Any) -> Any:
    if origin in (list, tuple, set, frozenset):
        return list[config_type(args[0], inner=True)]
    if origin is dict:
        return dict[str, config_type(args[1], inner=True)]
    some = [a for a in args if a is not types.NoneType]
    if origin in (Union, types.UnionType) and len(some) == 1 < len(args):
        return config_type(some[0], given, inner=True) | None
    return Any


def is_model(annotation: Any) -> bool:
    """Return whether an option is a group of options."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def is_secret(field: FieldInfo) -> bool:
    """Return whether an option is a secret: the UI shows its variable, never its value."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def _checked(name: str, field: FieldInfo, given: Mapping[str, Any]) -> bool:
    if is_secret(field) and given.get(name) is not None and not is_reference(given[name]):
        raise ConfigurationError(
            f"the option {name} is a secret and is written literally",
            where="providers",
            remedy="Put it into an environment variable and write {env: NAME}.",
        )
    return True


def _default(name: str, field: FieldInfo, given: Mapping[str, Any]) -> Any:
    if is_model(field.annotation) and (name in given or not field.is_required()):
        return config_type(field.annotation, given.get(name))()
    if name in given:
        return given[name]
    if field.is_required():
        return ...
    return to_jsonable_python(field.get_default(call_default_factory=True))
