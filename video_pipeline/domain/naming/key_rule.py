"""Regular expressions that describe an ingest store's keys.

They run on keys that others choose, so patterns with unbounded run time are refused.
"""

import re
from collections.abc import Iterator
from re import Pattern

LONGEST = 500  # characters of a pattern
# `.*`, `.+` and the like in one pattern. Their number is the exponent of the run time.
MOST_WILDCARDS = 2

# Matches nearly everything, including slashes.
_WILD = re.compile(r"\. | \\[SDW] | \[\^[^/]*\]", re.VERBOSE)

_TOKEN = re.compile(
    r"""
    (?P<plain> \\. | \[\^?\]?(?:\\.|[^\]\\])*\] | [^()|\\\[*+?{])
    | (?P<open> \((?:\?(?:P<\w+>|P=|[:=!>]|<[=!]|[aiLmsux-]+:?|\#))?)
    | (?P<close> \))
    | (?P<either> \|)
    | (?P<repeat> [*+] | \{\d*,\d*\})
    | (?P<few> \? | \{\d+\} | \{)
    """,
    re.VERBOSE | re.DOTALL,
)


def compiled(pattern: str) -> Pattern[str]:
    """Compile a pattern. Raises ValueError with what is wrong with it."""
    if len(pattern) > LONGEST:
        raise ValueError(f"the pattern is longer than {LONGEST} characters")
    try:
        found = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"the pattern is no regular expression: {error}") from error
    missing = [f"(?P<{name}>...)" for name in ("project", "video") if name not in found.groupindex]
    if missing:
        raise ValueError(f"the pattern lacks the named group {' and '.join(missing)}")
    _check_bounded(pattern)
    return found


def literal_folder(pattern: str) -> str:
    """Return the folder that holds every matching key, from the pattern's literal beginning."""
    if "|" in pattern:
        return ""
    text = pattern.removeprefix("^")
    # A repeat or an option applies to the character before it.
    plain = re.match(r"(?:[^.^$*+?{}\[\]\\()](?![*+?{]))*", text)
    return plain[0][: plain[0].rfind("/") + 1] if plain else ""


def _check_bounded(pattern: str) -> None:
    """Raise ValueError for a pattern that may take exponential time, or has too many wildcards.

    Exponential is a repeated group that holds a repeat, an option or alternatives.
    """
    loose = [False]
    closed = wild = False
    wildcards = 0
    for kind, text in _tokens(pattern):
        if kind == "repeat":
            if closed:
                raise ValueError(
                    "the pattern repeats a group that holds repeats, options or alternatives"
                )
            loose[-1] = True
            wildcards += wild
        elif kind == "open":
            loose.append(False)
        elif kind == "either" or text == "?":
            loose[-1] = True
        closed = kind == "close" and _leave(loose)
        wild = kind == "plain" and bool(_WILD.fullmatch(text))
    if wildcards > MOST_WILDCARDS:
        raise ValueError(
            "the pattern has more than two of .*, .+ and their like: write [^/]+ for one part"
        )


def _leave(loose: list[bool]) -> bool:
    inner = loose.pop()
    loose[-1] = loose[-1] or inner
    return inner


def _tokens(pattern: str) -> Iterator[tuple[str, str]]:
    for found in _TOKEN.finditer(pattern):
        yield found.lastgroup or "plain", found[0]
