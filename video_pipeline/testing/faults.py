"""The faults that a double can make, and the calls that they meet."""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pydantic import Field

from video_pipeline.domain.values import Frozen

# Faults of the line, of any service. The request does not reach the service.
HANGS, GATEWAY_PAGE = NOT_REACHED = ("hangs", "gateway_page")
# Nor here: something between, or the service's own front, refuses it. Code, HTTP status, message.
REFUSED: Mapping[str, tuple[str, int, str]] = {
    "clock_skewed": (
        "RequestTimeTooSkewed",
        403,
        "The difference between the request time and the server's time is too large.",
    ),
    "moved": (
        "PermanentRedirect",
        301,
        "The bucket you are attempting to access must be addressed using the specified endpoint.",
    ),
    "moved_for_now": (
        "TemporaryRedirect",
        307,
        "You are being redirected to the bucket while DNS updates.",
    ),
    "slow_down": ("SlowDown", 503, "Please reduce your request rate."),
    "credentials_expired": ("ExpiredToken", 400, "The provided token has expired."),
}
# In these the service has taken and billed what was asked for; the reply is spoilt. `drips` sends a
# byte every twentieth of a second.
REPLY_LOST, RESET, TRUNCATED, MALFORMED, EMPTY, NULL, DRIPS = SPOILT = (
    *("reply_lost", "reset", "truncated", "malformed", "empty", "null", "drips"),
)
# Every page is the first one, and names the same next page.
TOKEN_REPEATED = "token_repeated"
LINE_FAULTS = (*NOT_REACHED, *REFUSED, *SPOILT, TOKEN_REPEATED)


class Fault(Frozen):
    """A fault and the calls it meets.

    Of the matching calls `skip` pass, then each `every`-th one is met, `times` in all (None: for
    ever). A fault of a job meets the call that starts the job.
    """

    what: str
    operation: str = "*"
    """The operation's name, or a pattern such as `Start*`."""
    video: str = "*"
    """The key of the video's object, or a pattern."""
    later_pages: bool = False
    """Only calls that carry a NextToken: those for a page after the first."""
    times: int | None = 1
    every: int = Field(default=1, ge=1)
    skip: int = Field(default=0, ge=0)
    seconds: float = 3600
    """How long the line hangs."""
    reason: str = ""
    """The vendor's message, if not the usual one."""

    def matches(self, operation: str, video: str, later_page: bool = False) -> bool:
        named = fnmatchcase(operation, self.operation) and fnmatchcase(video, self.video)
        return named and (later_page or not self.later_pages)


@dataclass
class _Armed:
    fault: Fault
    seen: int = 0
    hits: int = 0

    def meets(self, operation: str, video: str, later_page: bool = False) -> bool:
        fault = self.fault
        if not fault.matches(operation, video, later_page) or self.hits == fault.times:
            return False
        self.seen += 1
        past = self.seen - fault.skip
        if past < 1 or (past - 1) % fault.every:
            return False
        self.hits += 1
        return True


class Faults:
    """The armed faults; safe between threads."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = {*known, *LINE_FAULTS}
        self._armed: list[_Armed] = []
        self._lock = threading.Lock()

    def arm(self, fault: Fault) -> None:
        """Add a fault. Raises ValueError for an unknown one."""
        if fault.what not in self._known:
            raise ValueError(f"{fault.what!r} is none of {', '.join(sorted(self._known))}")
        with self._lock:
            self._armed.append(_Armed(fault))

    def clear(self) -> None:
        """Make no more faults; jobs keep theirs."""
        with self._lock:
            self._armed.clear()

    def taken(
        self, kinds: Collection[str], operation: str, video: str, later_page: bool = False
    ) -> Fault | None:
        """Return the first armed fault, of some kinds, that meets a call."""
        with self._lock:
            for armed in self._armed:
                if armed.fault.what in kinds and armed.meets(operation, video, later_page):
                    return armed.fault
        return None

    def all_taken(self, kinds: Collection[str], operation: str, video: str) -> list[Fault]:
        """Return every armed fault, of some kinds, that meets a call."""
        with self._lock:
            return [
                armed.fault
                for armed in self._armed
                if armed.fault.what in kinds and armed.meets(operation, video)
            ]

    def told(self) -> list[dict[str, Any]]:
        """Return the armed faults, with how often each was made."""
        with self._lock:
            return [{**a.fault.model_dump(), "hits": a.hits} for a in self._armed]
