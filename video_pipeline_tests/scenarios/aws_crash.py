"""The same thousand, and those who submit and collect killed -9 twenty times: nothing paid twice.

What is killed are processes that make runs and the one that sweeps, at random moments, while
requests are throttled and unheard, and events lost. Thirty more videos are of a vendor that
recognises no request: what may have been taken there is held in doubt, and never asked for again.
"""

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from video_pipeline.domain.phases import Phase
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.fakes.aws_hands import Hands
from video_pipeline_tests.fakes.vendor import Vendor
from video_pipeline_tests.scenarios.aws import FAILING, PROJECTS, figures, inject, states
from video_pipeline_tests.scenarios.parts import print_table, temporary_deployment
from video_pipeline_tests.stage.aws_backlog import UNSAFE, aws_account, deliver, services
from video_pipeline_tests.stage.aws_verdict import (
    Claim,
    nothing_left,
    of_books,
    of_phases,
    rows_of,
    units_of,
)

SEED = 20261124
KILLS = 20
PAUSE_SECONDS = (1.0, 6.0)
"""Between two kills."""
RUNNERS = 2
_UNSAFE_VIDEOS = 30
_DROPPED = f"{UNSAFE}/v0000"
"""Its vendor takes the job, and nobody hears of it."""
_JOB_SECONDS = 3.0
_PATIENCE_SECONDS = 1800


def run(videos: float = 1.0) -> int:
    """0 where all holds. `videos`: how much of the thousand."""
    safe = [f"{name}/v{n:04}" for name, of in PROJECTS.items() for n in range(round(of * videos))]
    unsafe = [f"{UNSAFE}/v{number:04}" for number in range(_UNSAFE_VIDEOS)]
    with (
        temporary_deployment() as (folder, uri),
        Vendor("now") as vendor,
        aws_account(folder, uri, vendor.url, _JOB_SECONDS) as account,
    ):
        keys = [*unsafe, *safe]
        deliver(account, keys)
        inject(account)
        vendor.behave(_DROPPED, "drop")
        parts = services(account.place)
        with Hands(account.place, [keys[n::RUNNERS] for n in range(RUNNERS)]) as hands:
            work = _Work(hands, parts, keys)
            took = work.through()
        units = units_of(parts, keys)
        failing = frozenset(one for one in FAILING if one.split()[0] in safe)
        claims = [
            Claim(f"{KILLS} were killed before all was done", work.kills >= KILLS, work.kills)
        ]
        claims += nothing_left(parts, units)
        claims += of_phases(parts, safe, failing)
        claims += of_books(account, units)
        claims += _of_the_unsafe(parts, vendor, unsafe)
        print_table("What it took", ["what", "seen"], figures(account, units, hands, took))
        parts.catalog.close()
    print_table("What must hold", ["claim", "holds", "seen"], rows_of(claims))
    return 0 if all(claim.holds for claim in claims) else 1


@dataclass
class _Work:
    """The processes at work, one of which is killed now and then."""

    hands: Hands
    parts: Services
    keys: Sequence[str]
    kills: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))

    def through(self) -> float:
        """Until no video needs a run any more; the seconds that it took."""
        began = told = time.monotonic()
        kill_at = began + self.chance.uniform(*PAUSE_SECONDS)
        while not self.hands.done:
            self.hands.look_after()
            now = time.monotonic()
            if self.kills < KILLS and now > kill_at:
                self.kills += self.hands.kill(self.chance.randrange(RUNNERS + 1))
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


def _of_the_unsafe(parts: Services, vendor: Vendor, keys: Sequence[str]) -> list[Claim]:
    """At most one request each; in doubt where it may have been heard, and only there."""
    units = [u for u in units_of(parts, keys) if u.request.provider == "vendor"]
    states = Counter(unit.state for unit in units)
    twice = [key for key in keys if vendor.billed[key] > 1]
    wrong = [str(unit.request.key) for unit in units if not _is_right(parts, vendor, unit)]
    dropped = next(u.state for u in units if str(u.request.key) == _DROPPED)
    told = ", ".join(f"{state} {count}" for state, count in sorted(states.items()))
    return [
        Claim("without a token: nobody is billed twice", not twice, twice or len(units)),
        Claim("without a token: settled with its shots, or in doubt", not wrong, wrong or told),
        Claim("the job that nobody heard of is in doubt", dropped is UnitState.IN_DOUBT, dropped),
    ]


def _is_right(parts: Services, vendor: Vendor, unit: WorkUnit) -> bool:
    key = unit.request.key
    if unit.state is UnitState.IN_DOUBT:
        return vendor.submissions[str(key)] <= 1
    markers = parts.of(key.project).results.markers(key.video, [Phase.SHOTS])
    shots = sum(1 for _ in markers)
    return unit.state is UnitState.SETTLED and shots == 2 and vendor.billed[str(key)] == 1
