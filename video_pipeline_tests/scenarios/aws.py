"""Process 1,000 videos with the faulty doubles of AWS, 20 jobs at once, paying nothing twice.

Rekognition and Transcribe are doubles; S3, SNS, SQS and MongoDB are real servers. At first no job
ends, so all other units wait and no run executes. Then jobs end quickly under faults: throttled
requests, lost answers, lost, repeated and early events, expired page tokens, failed jobs.
"""

import time
from collections.abc import Sequence

from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.jobs.wording import reason_of
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.scenarios.support.aws_backlog import (
    SLOTS,
    Account,
    aws_account,
    deliver,
    services,
)
from video_pipeline_tests.scenarios.support.aws_faults import failing_of, inject, of_faults
from video_pipeline_tests.scenarios.support.aws_results import of_results
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

PROJECTS = {"acme": 700, "globex": 250, "initech": 50}
RUNNERS = 2
_JOB_SECONDS = 1.0
_NEVER_SECONDS = 100_000.0
_PATIENCE_SECONDS = 1800


def run(videos: float = 1.0) -> int:
    """Return 0 if every claim holds, with this share of the thousand videos."""
    keys = [f"{name}/v{n:04}" for name, of in PROJECTS.items() for n in range(round(of * videos))]
    failing = failing_of(keys)
    with (
        temporary_deployment() as (folder, uri),
        aws_account(folder, uri, "http://127.0.0.1:9", _NEVER_SECONDS) as account,
    ):
        deliver(account, keys)
        print(f"{len(keys)} videos are in the bucket", flush=True)
        parts = services(account.place)
        shares = [keys[number::RUNNERS] for number in range(RUNNERS)]
        with Hands(account.place, shares) as hands:
            claims = [_all_wait(parts, account, hands, keys)]
            began = time.monotonic()
            _let_end(account, keys)
            _work(hands, parts, keys, began)
            took = time.monotonic() - began
        units = units_of(parts, keys)
        claims += [*nothing_left(parts, units), *of_phases(parts, keys, failing)]
        claims += [*of_books(account, units), _fair(account), of_faults(account)]
        print_table("Figures", ["what", "seen"], figures(account, units, hands, took))
        claims += of_results(parts, account, keys, failing)
        parts.catalog.close()
    print_table("Claims", ["claim", "holds", "seen"], rows_of(claims))
    return 0 if all(claim.holds for claim in claims) else 1


def _all_wait(parts: Services, account: Account, hands: Hands, keys: Sequence[str]) -> Claim:
    """Wait until every unit is parked, and claim that no run executes then."""
    until = time.monotonic() + _PATIENCE_SECONDS
    asked, most = 2 * len(keys), sum(min(len(keys), slots) for slots in SLOTS.values())
    while True:
        hands.look_after()
        units = units_of(parts, keys)
        parked = [unit for unit in units if unit.state.parked]
        jobs = [u for u in units if u.job]
        print(f"{len(parked)} units wait or run, {len(jobs)} of them at AWS", flush=True)
        if len(parked) == asked and len(jobs) == most:
            break
        if time.monotonic() > until:
            raise TimeoutError(f"{len(parked)} of {asked} units are parked, {len(jobs)} jobs run")
        time.sleep(3)
    samples = [sum(flag.value for flag in hands.busy) for _ in range(30) if not time.sleep(0.1)]
    waiting = next((reason_of(u) for u in reversed(units) if u.state is UnitState.QUEUED), "")
    print(f"one of them says: {waiting}", flush=True)
    what = f"while {asked} units are parked, {most} of them at AWS, no run executes"
    return Claim(what, max(samples) == 0, max(samples))


def _let_end(account: Account, keys: Sequence[str]) -> None:
    """End the running jobs, and let later ones end quickly."""
    inject(account, keys)
    for double in (account.rekognition, account.transcribe):
        double.configure(running_seconds=_JOB_SECONDS)
        double.advance(_NEVER_SECONDS)


def _work(hands: Hands, parts: Services, keys: Sequence[str], began: float) -> None:
    told = 0.0
    while not hands.done:
        hands.look_after()
        now = time.monotonic() - began
        if now > _PATIENCE_SECONDS:
            raise TimeoutError(f"not done after {now:.0f} s")
        if now - told > 15:
            told, standing = now, states(parts, keys)
            print(f"{now:5.0f} s  {standing}", flush=True)
        time.sleep(0.2)


def states(parts: Services, keys: Sequence[str]) -> str:
    counts: dict[str, int] = {}
    for project in sorted({key.partition("/")[0] for key in keys}):
        for (_, state), count in parts.of(project).standings.counts().items():
            counts[state] = counts.get(state, 0) + count
    return ", ".join(f"{state} {count}" for state, count in sorted(counts.items()))


def _fair(account: Account) -> Claim:
    """Claim that the smallest project shares the slots evenly with the others."""
    order = [job["video"].split("/")[1] for job in account.rekognition.books()["jobs"]]
    mine = [number for number, project in enumerate(order, 1) if project == "initech"]
    last, bound = mine[-1], 3 * len(mine) + 2 * SLOTS["video"]
    what = f"initech's {len(mine)} are among the first {bound} of {len(order)} jobs"
    return Claim(what, last <= bound, f"the last is number {last}")


def figures(
    account: Account, units: Sequence[WorkUnit], hands: Hands, took: float
) -> list[tuple[str, object]]:
    """Return requests, answers, billing and resources as rows."""
    rows: list[tuple[str, object]] = [("wall seconds, jobs ending", f"{took:.0f}")]
    for name, double in (("video", account.rekognition), ("words", account.transcribe)):
        book = double.books()
        mine = [unit for unit in units if unit.request.provider == name]
        rows += [
            (f"{name}: work units, attempts", f"{len(mine)}, {sum(u.attempts for u in mine)}"),
            (f"{name}: jobs made", len(book["jobs"])),
            (f"{name}: answers to calls", _answers(book["calls"])),
            (f"{name}: billed", ", ".join(f"{m} {q:g}" for m, q in book["billed"].items())),
            (f"{name}: most jobs at once", max(book["peak"].values())),
        ]
    *runners, sweeper = (peak.value / 1024 for peak in hands.peaks)
    rows.append(("most memory, the process that sweeps", f"{sweeper:.0f} MB"))
    rows.append(("most memory, a process that makes runs", f"{max(runners):.0f} MB"))
    return rows


def _answers(calls: dict[str, dict[str, int]]) -> str:
    total: dict[str, int] = {}
    for outcomes in calls.values():
        for outcome, count in outcomes.items():
            total[outcome] = total.get(outcome, 0) + count
    return ", ".join(f"{outcome} {count}" for outcome, count in sorted(total.items()))
