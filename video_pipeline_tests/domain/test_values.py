"""Exact numbers, and JSON that others wrote: within bounds, or refused at once."""

from fractions import Fraction
from typing import Any

import pytest
from pydantic import TypeAdapter

from video_pipeline.domain.values import MOST_DEPTH, BeyondBounds, Rational, read_json

_RATIONAL = TypeAdapter[Fraction](Rational)


@pytest.mark.parametrize(
    ("text", "exact", "value"),
    [
        (b'{"a": [1, 2.5, "x", null]}', False, {"a": [1, 2.5, "x", None]}),
        (b"[0.1, 1e2]", True, ["0.1", "1e2"]),
        ("7", False, 7),
        (b"[" * MOST_DEPTH + b"]" * MOST_DEPTH, False, ...),
    ],
)
def test_json_within_bounds_is_read(text: bytes | str, exact: bool, value: Any) -> None:
    found = read_json(text, exact=exact)
    assert value is ... or found == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"[1e99999999]", "too many digits"),
        (b"[1e-1000]", "too many digits"),
        (b"[" + b"9" * 201 + b"]", "too many digits"),
        (b"[" * (MOST_DEPTH + 1) + b"]" * (MOST_DEPTH + 1), "too deep"),
        (b"[" * 100_000 + b"]" * 100_000, "too deep"),
        (b'{"a":' * 100_000, "too deep"),
        (b'"' + b"x" * 100 + b'"', "larger than 100 bytes"),
    ],
)
@pytest.mark.parametrize("exact", [True, False])
def test_json_beyond_bounds_is_refused(text: bytes, why: str, exact: bool) -> None:
    with pytest.raises(BeyondBounds, match=why):
        read_json(text, exact=exact, most_bytes=100 if why.startswith("larger") else 1_000_000)


@pytest.mark.parametrize("text", [b"", b"<html>", b"[NaN]", b"[-Infinity]", b"\xff\xfe", b"{"])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        read_json(text)


@pytest.mark.parametrize("number", ["1e99999999", "1e-9999", "9" * 201, "1/" + "9" * 200, "1/0"])
def test_a_rational_of_endless_digits_is_refused(number: str) -> None:
    with pytest.raises(ValueError):
        _RATIONAL.validate_python(number)


def test_a_rational_within_bounds_can_be_written_again() -> None:
    for number in ("1e999", "1e-999", "1001/30000"):
        assert Fraction(str(_RATIONAL.validate_python(number))) == Fraction(number)
