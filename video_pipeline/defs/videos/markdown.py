"""Text from others in what Dagster renders as markdown: names, and messages that quote them."""

import re

# What markdown and GitHub's additions render within a line: emphasis, code, links, HTML, tables,
# entities and bare addresses. An underscore within a word renders nothing.
_RENDERED = re.compile(r"[\\`*\[\]<>~|&]|(?<!\w)_|_(?!\w)|(?<=\w):(?=//)|(?<=www)\.|(?<=\w)@(?=\w)")
# What it renders at the beginning of a line: headings, lists, rules.
_AT_START = re.compile(r"^(\s*)([#+=-]|\d+(?=[.)]))", re.MULTILINE)


def literal(text: str) -> str:
    """Return markdown that shows the text as it is."""
    return _AT_START.sub(_escape_start, _RENDERED.sub(r"\\\g<0>", text))


def _escape_start(found: re.Match[str]) -> str:
    space, mark = found.groups()
    # A digit cannot be escaped; the point or bracket behind a number can.
    return f"{space}\\{mark}" if not mark.isdigit() else f"{space}{mark}\\"
