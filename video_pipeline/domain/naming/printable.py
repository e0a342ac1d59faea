"""Text for people: others' names, which can hold any character, and counts."""

import re
from urllib.parse import urlsplit
from urllib.request import url2pathname

# Control characters, line separators, marks and changes of the writing direction, and bytes that
# are no text.
_UNSAFE = re.compile(
    "[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(name: str) -> str:
    """Return a name with such characters as escapes: `\\n`, `\\x1b`, and `\\xff` for a byte.

    A byte that is not UTF-8 is what `os.fsdecode` makes of it, a lone surrogate.
    """
    return _UNSAFE.sub(lambda found: _escaped(found[0]), name)


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def in_markdown(text: str) -> str:
    """Return markdown that shows a text as `printable` does, and renders nothing of it.

    It is a code span: renderers make links of addresses although their characters are escaped. A
    `|` would still end a cell of a markdown table.
    """
    shown = printable(text)
    if not shown.strip(" "):
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    # Renderers drop one blank on each side.
    return f"{fence} {shown} {fence}"


def address(uri: str) -> str:
    """Return the path of a local file, and any other address unchanged."""
    parts = urlsplit(uri)
    return url2pathname(parts.path) if parts.scheme == "file" else uri


def count_of(number: int, noun: str) -> str:
    """Return a count with its noun: `1 word`, `1,200 words`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
