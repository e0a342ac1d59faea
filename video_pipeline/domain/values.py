"""The base model of the domain's values, and exact numbers."""

from fractions import Fraction
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema


class Frozen(BaseModel):
    """An immutable value; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _exact(value: Any) -> Fraction:
    if isinstance(value, (Fraction, int)) and not isinstance(value, bool):
        return Fraction(value)
    if isinstance(value, str):
        try:
            return Fraction(value)
        except ZeroDivisionError as error:
            raise ValueError(f"{value!r} divides by zero") from error
    raise ValueError(f"{value!r} is not exact: write a rational such as '1001/30000'")


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
