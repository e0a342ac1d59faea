"""The base model of the domain's values, exact numbers, and JSON of others within bounds."""

import json
from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

# Of a number in text: 1e99999999 would compute for hours, and Python writes at most 4,300 digits.
MOST_DIGITS, MOST_EXPONENT_DIGITS = 200, 3
MOST_DEPTH = 100
# A transcript of four hours takes some 20 MB.
MOST_BYTES = 256 << 20


class BeyondBounds(ValueError):
    """JSON that is too large or too deep, or a number that is too long."""


class Frozen(BaseModel):
    """An immutable value; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _exact(value: Any) -> Fraction:
    if isinstance(value, (Fraction, int)) and not isinstance(value, bool):
        return Fraction(value)
    if isinstance(value, str):
        try:
            return Fraction(_bounded(value))
        except ZeroDivisionError as error:
            raise ValueError(f"{value!r} divides by zero") from error
    raise ValueError(f"{value!r} is not exact: write a rational such as '1001/30000'")


def _bounded(number: str) -> str:
    exponent = number.lower().partition("e")[2].lstrip("+-")
    if len(number) > MOST_DIGITS or len(exponent) > MOST_EXPONENT_DIGITS:
        raise BeyondBounds(f"the number {number[:20]!r} has too many digits")
    return number


# A fraction that is read from and written as text, never as a float.
Rational = Annotated[
    Fraction,
    BeforeValidator(_exact),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^-?\d+(/\d+)?$",
            "description": "An exact rational number, such as '1001/30000'.",
        }
    ),
]


def read_json(text: bytes | str, *, exact: bool = False, most_bytes: int = MOST_BYTES) -> Any:
    """Return the value of JSON that others wrote. With `exact`, decimals stay text.

    Raises ValueError for what is no JSON, and BeyondBounds for what is not worth reading.
    """
    if len(text) > most_bytes:
        raise BeyondBounds(f"it is larger than {most_bytes:,} bytes")
    try:
        value: Any = json.loads(
            text,
            parse_float=_bounded if exact else lambda number: float(_bounded(number)),
            parse_int=lambda number: int(_bounded(number)),
            parse_constant=_refuse_constant,
        )
    except RecursionError as error:
        raise BeyondBounds(_TOO_DEEP) from error
    level: list[Any] = _containers([value])
    for _ in range(MOST_DEPTH):
        level = [inner for one in level for inner in _containers(one)]
        if not level:
            return value
    raise BeyondBounds(_TOO_DEEP)


_TOO_DEEP = f"it is too deep: nested more than {MOST_DEPTH} times"


def _containers(value: Any) -> list[Any]:
    """Return the objects and lists in an object or list."""
    inner: Iterable[Any] = cast("dict[str, Any]", value).values() if type(value) is dict else value
    return [one for one in inner if isinstance(one, dict | list)]


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")
