"""The claims about a finished backlog at AWS: billing records against the ledger."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.scenarios.support.aws_backlog import PHASES, SLOTS, Account


@dataclass(frozen=True)
class Claim:
    """A claim and the evidence for it."""

    what: str
    holds: bool
    seen: object


def rows_of(claims: Sequence[Claim]) -> list[tuple[str, str, object]]:
    """Return the claims as rows of a table."""
    return [(one.what, "yes" if one.holds else "NO", one.seen) for one in claims]


def units_of(parts: Services, keys: Sequence[str]) -> list[WorkUnit]:
    """Return every work unit of these videos."""
    videos = map(VideoKey.parse, keys)
    return [unit for key in videos for unit in parts.of(key.project).units.of_video(key.video)]


def nothing_left(parts: Services, units: Sequence[WorkUnit]) -> list[Claim]:
    """Claim that no unit is open, no unit at AWS is in doubt, and no slot is held."""
    open_ = Counter(
        f"{unit.request.provider} {unit.state}"
        for unit in units
        if not unit.state.final
        if unit.state is not UnitState.IN_DOUBT or unit.request.provider in SLOTS
    )
    held = sum(len(pool.holders) for pool in parts.catalog.admissions.pools())
    return [
        Claim("no unit is under way or waits, none at AWS in doubt", not open_, dict(open_)),
        Claim("no slot is held", held == 0, held),
    ]


def of_phases(parts: Services, keys: Sequence[str], failing: frozenset[str]) -> list[Claim]:
    """Claim that every phase is done except those that must fail."""
    wrong: list[str] = []
    for name in keys:
        key = VideoKey.parse(name)
        statuses = parts.of(key.project).results.statuses(key.video)
        states = {p.value: statuses[p].state if p in statuses else None for p in PHASES}
        bad = {p for p, state in states.items() if state is not PhaseState.DONE}
        expected = {p for p in states if f"{name} {p}" in failing}
        wrong += [f"{name} {p} {states[p]}" for p in bad ^ expected]
        wrong += [f"{name} {p} {states[p]}" for p in bad & expected if not _ended(states[p])]
    seen = wrong[:4] or f"{len(keys) * len(PHASES) - len(failing)} done, {len(failing)} failed"
    return [Claim("every phase is done except those that must fail", not wrong, seen)]


def _ended(state: PhaseState | None) -> bool:
    return state is not None and state.ended_badly


def of_books(account: Account, units: Sequence[WorkUnit]) -> list[Claim]:
    """Claim that AWS billed what the ledger says, nothing twice, within its quotas."""
    claims: list[Claim] = []
    books = {"video": account.rekognition.books(), "words": account.transcribe.books()}
    for name, book in books.items():
        done = [job for job in book["jobs"] if job["status"] in ("SUCCEEDED", "COMPLETED")]
        twice = [video for video, count in Counter(map(_video, done)).items() if count > 1]
        claims.append(Claim(f"{name}: no video is billed twice", not twice, twice or len(done)))
        billed, settled = sum(_seconds(book, name)), _settled(units, name)
        seen = billed if billed == settled else f"billed {billed}, in the ledger {settled}"
        claims.append(Claim(f"{name}: billed seconds are the ledger's", billed == settled, seen))
        peak = max(book["peak"].values(), default=0)
        claims.append(Claim(f"{name}: never over {SLOTS[name]} jobs", peak <= SLOTS[name], peak))
    return claims


def _seconds(book: dict[str, Any], name: str) -> list[int]:
    minute = 60 if name == "video" else 1
    return [round(quantity * minute) for quantity in book["billed"].values()]


def _settled(units: Sequence[WorkUnit], name: str) -> int:
    """Return the settled usage of all units of a provider, whatever their final state.

    AWS bills nothing for a refused or failed job.
    """
    mine = [unit for unit in units if unit.request.provider == name]
    return round(sum(used.quantity for unit in mine for used in unit.settled))


def _video(job: dict[str, Any]) -> str:
    return str(job.get("video") or job.get("media"))
