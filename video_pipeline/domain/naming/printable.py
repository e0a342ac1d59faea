"""Names as people may safely see them: names come from others, and can hold any character."""

import re

# Control characters, line separators, changes of the writing direction, and bytes that are no text.
_UNSAFE = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(name: str) -> str:
    """Return a name with such characters as escapes: `\\n`, `\\x1b`, and `\\xff` for a byte.

    A byte that is not UTF-8 is what `os.fsdecode` makes of it, a lone surrogate.
    """
    return _UNSAFE.sub(lambda found: _escaped(found[0]), name)


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
