"""Kill the workers of the 1,000 videos of `aws` 20 times with SIGKILL, paying nothing twice.

Random kills hit the processes that run videos and the one that sweeps, while requests are throttled
or unanswered and events are lost. Thirty more videos use a slow vendor without idempotency tokens:
only a request that a kill interrupted is in doubt, and it is never repeated.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.jobs.raw_pages import RawPages
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.vendor import Vendor
from video_pipeline_tests.scenarios.aws import PROJECTS, figures, states
from video_pipeline_tests.scenarios.support.aws_backlog import (
    UNSAFE,
    aws_account,
    deliver,
    services,
)
from video_pipeline_tests.scenarios.support.aws_faults import failing_of, inject, of_faults
from video_pipeline_tests.scenarios.support.aws_results import of_results, of_words
from video_pipeline_tests.scenarios.support.aws_verdict import (
    Claim,
    nothing_left,
    of_books,
    of_phases,
    rows_of,
    units_of,
)
from video_pipeline_tests.scenarios.support.aws_workers import Hands
from video_pipeline_tests.scenarios.support.deployment import print_table, temporary_deployment

SEED = 20261124
KILLS = 20
# Pause between two kills.
PAUSE_SECONDS = (1.0, 6.0)
RUNNERS = 2
_UNSAFE_VIDEOS = 30
# The vendor's time to answer, long enough for kills to interrupt requests.
_UNSAFE_SECONDS = 1.0
# Videos of AWS between two of them, so that kills hit both.
_SAFE_BETWEEN = 2
# The number of requests without a token that kills aim at.
_CUT_OFF = 3
# The vendor accepts this video's job, and its answer is lost.
_DROPPED = f"{UNSAFE}/v0000"
_VENDOR = "vendor"
# Time for MongoDB to finish the last request of a killed process.
_SETTLING_SECONDS = 0.3
_JOB_SECONDS = 3.0
_PATIENCE_SECONDS = 1800


def run(videos: float = 1.0) -> int:
    """Return 0 if every claim holds, with this share of the thousand videos."""
    safe = [f"{name}/v{n:04}" for name, of in PROJECTS.items() for n in range(round(of * videos))]
    unsafe = [f"{UNSAFE}/v{number:04}" for number in range(_UNSAFE_VIDEOS)]
    with (
        temporary_deployment() as (folder, uri),
        Vendor("now") as vendor,
        aws_account(folder, uri, vendor.url, _JOB_SECONDS) as account,
    ):
        keys = _mixed(unsafe, safe)
        deliver(account, keys)
        inject(account, safe)
        vendor.delay = _UNSAFE_SECONDS
        vendor.behave(_DROPPED, "drop")
        parts = services(account.place)
        with Hands(account.place, [keys[n::RUNNERS] for n in range(RUNNERS)]) as hands:
            work = _Work(hands, parts, keys)
            took = work.through()
        units = units_of(parts, keys)
        failing = failing_of(safe)
        claims = [
            Claim(f"{KILLS} were killed before all was done", work.kills >= KILLS, work.kills)
        ]
        claims += nothing_left(parts, units)
        claims += of_phases(parts, safe, failing)
        claims += [*of_books(account, units), of_faults(account)]
        print_table("Figures", ["what", "seen"], figures(account, units, hands, took))
        claims += of_results(parts, account, safe, failing)
        claims += of_the_unsafe(parts, vendor, unsafe, work.cut_off)
        claims.append(of_words(parts, unsafe))
        parts.catalog.close()
    print_table("Claims", ["claim", "holds", "seen"], rows_of(claims))
    return 0 if all(claim.holds for claim in claims) else 1


def _mixed(unsafe: Sequence[str], safe: Sequence[str]) -> list[str]:
    step = _SAFE_BETWEEN
    first = [key for n, one in enumerate(unsafe) for key in (one, *safe[n * step : (n + 1) * step])]
    return [*first, *safe[len(unsafe) * step :]]


@dataclass
class _Work:
    """The working processes and the kills among them."""

    hands: Hands
    parts: Services
    keys: Sequence[str]
    kills: int = 0
    cut_off: set[str] = field(default_factory=set[str])
    """Videos with a request without a token that a kill interrupted."""
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))

    def through(self) -> float:
        """Work and kill until no video needs a run, and return the seconds."""
        began = told = time.monotonic()
        kill_at = began + self.chance.uniform(*PAUSE_SECONDS)
        while not self.hands.done:
            self.hands.look_after()
            now = time.monotonic()
            if self.kills < KILLS and now > kill_at:
                self._kill(self._chosen())
                kill_at = now + self.chance.uniform(*PAUSE_SECONDS)
            if now - told > 15:
                told = now
                print(
                    f"{now - began:5.0f} s  {self.kills} killed, {states(self.parts, self.keys)}",
                    flush=True,
                )
            if now - began > _PATIENCE_SECONDS:
                raise TimeoutError(f"not done after {_PATIENCE_SECONDS} s")
            time.sleep(0.1)
        return time.monotonic() - began

    def _chosen(self) -> int:
        """Choose a process; at first, one with a request without a token in progress."""
        aimed = len(self.cut_off) < _CUT_OFF
        asking = [n for n in range(RUNNERS) if aimed and self._under_way(n)]
        return self.chance.choice(asking or range(RUNNERS + 1))

    def _kill(self, number: int) -> None:
        """Kill one process, and record the requests that it leaves in progress."""
        if not self.hands.kill(number):
            return
        self.kills += 1
        if number == RUNNERS:
            return  # the one that sweeps asks only vendors that recognise requests
        time.sleep(_SETTLING_SECONDS)
        self.cut_off |= self._under_way(number)

    def _under_way(self, number: int) -> set[str]:
        share = [key for key in self.keys[number::RUNNERS] if key.startswith(f"{UNSAFE}/")]
        return {
            str(unit.request.key)
            for unit in units_of(self.parts, share)
            if unit.request.provider == _VENDOR and unit.state is UnitState.SUBMITTING
            if not _has_answer(self.parts, unit)
        }


def _has_answer(parts: Services, unit: WorkUnit) -> bool:
    key = unit.request.key
    return RawPages(parts.outputs.project(key.project), key, unit.id).complete


def of_the_unsafe(
    parts: Services, vendor: Vendor, keys: Sequence[str], cut_off: set[str]
) -> list[Claim]:
    """Claim one unit and at most one request each, in doubt only if it was interrupted."""
    units = [u for u in units_of(parts, keys) if u.request.provider == _VENDOR]
    held = sorted(str(unit.request.key) for unit in units)
    doubted = {str(u.request.key) for u in units if u.state is UnitState.IN_DOUBT}
    astray = sorted(doubted ^ (cut_off | {_DROPPED}))
    twice = [key for key in keys if vendor.submissions[key] > 1 or vendor.billed[key] > 1]
    others = [unit for unit in units if str(unit.request.key) not in doubted]
    wrong = [str(unit.request.key) for unit in others if not _is_right(parts, vendor, unit)]
    unheard = sum(vendor.billed[key] for key in doubted)
    told = f"{len(doubted)}, of which the vendor took {unheard}"
    return [
        Claim("without a token: one unit a video", held == sorted(keys), len(held)),
        Claim("without a token: nobody is asked twice", not twice, twice or len(units)),
        Claim("kills met requests under way there", bool(cut_off), len(cut_off)),
        Claim("in doubt: just those, and the one nobody heard of", not astray, astray or told),
        Claim("all others are settled, with their shots", not wrong, wrong or len(others)),
    ]


def _is_right(parts: Services, vendor: Vendor, unit: WorkUnit) -> bool:
    key, results = unit.request.key, parts.of(unit.request.key.project).results
    shots = sum(1 for _ in results.markers(key.video, [Phase.SHOTS]))
    done = results.statuses(key.video)[Phase.SHOTS].state is PhaseState.DONE
    asked = vendor.submissions[str(key)] == vendor.billed[str(key)] == 1
    return unit.state is UnitState.SETTLED and done and shots == 2 and asked
