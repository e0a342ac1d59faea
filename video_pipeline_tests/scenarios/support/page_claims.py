"""What a person reads on Dagster's pages without a click, as a table of claims."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from video_pipeline.domain.naming.printable import printable

TALK_FILE = "Quarterly talk.mp4"
BROKEN_FILE = "Interview with Ada.mp4"
REFUSED_FILE = "Trailer.mp4"
# Markdown, HTML, a table's column, quotes and a change of the writing direction; 250 characters.
_HOSTILE = (
    "\"quoted\" 'name' **loud** _thin_ [link](javascript:alert) `code` | column | "
    "<b id=planted>bold <img id=planted src=x onerror=alert(1)> \u202egnirts &amp; "
)
HOSTILE_FILE = f"{_HOSTILE}{'long ' * 50}"[:246].rstrip() + ".mp4"
HOSTILE_FOLDER = "# **odd** <i id=planted> | name"

# Elements that the hostile name would make if it were rendered.
PLANTED = """
const told = [...document.querySelectorAll('strong, em, b, i, code, a')].map(e => e.innerText);
return [...document.querySelectorAll('#planted')].map(e => e.tagName).concat(
  told.filter(text => ['loud', 'thin', 'link', 'odd'].includes(text)));
"""
# Pictures that the page shows: where each is from, and its width.
PICTURES = """
return [...document.querySelectorAll('img')].filter(e => e.getClientRects().length).map(
  e => [e.src.slice(0, 40), e.naturalWidth]);
"""
_TIME = r"\b\d+:\d\d:\d\d\.\d{3}\b"
# Neither a path, a date, a partition key nor the filter of the log.
_FRACTION = r"(?<!Levels \()(?<![\w/.:-])\d+/\d+(?![\w/:-])"
# But the id of a work unit in a command that acts on it.
_HASH = r"(?<!jobs force )(?<!jobs cancel )\b[0-9a-f]{32,}\b"


class Seen(NamedTuple):
    """What one page shows."""

    text: str
    pictures: list[Any]
    planted: list[str]


class Claim(NamedTuple):
    """A claim about one page. `look` returns an empty string, or what contradicts the claim."""

    page: str
    what: str
    look: Callable[[Seen], str]


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def shows(*wanted: str) -> Callable[[Seen], str]:
    """Look for texts, however the page breaks its lines."""

    def look(seen: Seen) -> str:
        text = _plain(seen.text)
        missing = [one for one in wanted if _plain(one) not in text]
        return f"not shown: {', '.join(missing)}" if missing else ""

    return look


def matches(*patterns: str) -> Callable[[Seen], str]:
    """Look for patterns."""

    def look(seen: Seen) -> str:
        text = _plain(seen.text)
        missing = [one for one in patterns if not re.search(one, text, re.I)]
        return f"nothing matches {', '.join(missing)}" if missing else ""

    return look


def lacks(pattern: str) -> Callable[[Seen], str]:
    """Look for a pattern that must not be shown."""

    def look(seen: Seen) -> str:
        return ", ".join(re.findall(pattern, _plain(seen.text))[:4])

    return look


def _draws_a_bar(seen: Seen) -> str:
    drawn = [one for one in seen.pictures if one[0].startswith("data:") and one[1] > 100]
    return "" if drawn else f"pictures: {seen.pictures}"


def _renders_nothing(seen: Seen) -> str:
    return ", ".join(seen.planted)


CLAIMS: tuple[Claim, ...] = (
    Claim("shots", "names the delivered file", shows(TALK_FILE)),
    Claim("shots", "counts in words", matches(r"\b\d+ shots?\b")),
    Claim("shots", "draws the shots over time", _draws_a_bar),
    Claim("shots", "shows hashes in full only in commands", lacks(_HASH)),
    Claim("source_video", "names file and place", shows(TALK_FILE, "ingest/projects/acme")),
    Claim("source_video", "says when it arrived", matches(r"\barrived\b")),
    Claim("media_info", "names the delivered file", shows(TALK_FILE)),
    Claim("media_info", "gives the duration as h:mm:ss.mmm", matches(_TIME)),
    Claim("media_info", "gives picture and codecs", matches(r"\d+ ?[x×] ?\d+", "h264", "aac")),
    Claim("timeline", "names the delivered file", shows(TALK_FILE)),
    Claim("timeline", "counts by kind", matches(r"\d+ shots", r"\d+ words")),
    Claim("timeline", "gives the duration as h:mm:ss.mmm", matches(_TIME)),
    Claim("failed", "names the delivered file", shows(BROKEN_FILE)),
    Claim("failed", "gives the reason", matches("moov|cut off|incomplete|not a video|cannot be")),
    Claim("failed", "gives the remedy", matches(r"deliver|replace")),
    Claim("failed-run", "names the delivered file", shows(BROKEN_FILE)),
    Claim("failed-run", "gives the remedy", matches(r"deliver|replace")),
    Claim("failed-run", "shows no stack", lacks(r"site-packages|Stack Trace")),
    Claim("refused", "gives reason and remedy", matches("whisper-large", "model")),
    Claim("project", "says who needs you first", matches(r"\d+ of \d+ videos? needs? you")),
    Claim("project", "names the broken file", shows(BROKEN_FILE)),
    Claim("project", "says as of when", matches(r"\bas of\b")),
    Claim("runs", "names delivered files", shows(TALK_FILE, BROKEN_FILE)),
    Claim("backfill", "links to the backfill", matches(r"runs/b/\w+|backfills?/\w+")),
    Claim("hostile", "shows the name as it is", shows(printable(HOSTILE_FILE))),
)


def claims_of(page: str) -> list[Claim]:
    """Return the claims about a page, with those about every page."""
    return [
        *(claim for claim in CLAIMS if claim.page == page),
        Claim(page, "shows no time as a fraction", lacks(_FRACTION)),
        Claim(page, "renders nothing of a name", _renders_nothing),
    ]


PAGES: Mapping[str, str] = {
    "shots": "assets/shots?view=partitions&partition={talk}",
    "source_video": "assets/source_video?view=partitions&partition={talk}",
    "media_info": "assets/media_info?view=partitions&partition={talk}",
    "timeline": "assets/timeline?view=partitions&partition={talk}",
    # A partition without a materialization shows nothing in its own tab; its last event does.
    "failed": "assets/media_info?view=events&partition={broken}",
    "failed-run": "runs/{broken_run}",
    "refused": "assets/transcript?view=events&partition={refused}",
    "project": "assets/project?view=partitions&partition=acme",
    "runs": "runs",
    "backfill": "runs/{backfill_run}",
    "hostile": "assets/source_video?view=partitions&partition={hostile}",
}
