"""Drive the faults of docs/operations.md for real: each ends as the page promises.

One `up` meets a MongoDB that stands still, a run killed three times, a killed decoder, a broken
pipeline.yaml and a partition without a video; another one a full disk. AWS answers nonsense. A
thousand videos arrive at once, and what a run records and a deployment costs at rest is measured;
the same figures of an earlier revision stand beside.
"""

import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from video_pipeline_tests.overhead.one_video import cpu_of_one_video
from video_pipeline_tests.overhead.reel import make_reel
from video_pipeline_tests.providers.aws import fault_table
from video_pipeline_tests.scenarios import arrivals_lateness
from video_pipeline_tests.scenarios.support import operations, reels
from video_pipeline_tests.scenarios.support.at_rest import AtRest, at_rest
from video_pipeline_tests.scenarios.support.baseline import ROOT, checked_out
from video_pipeline_tests.scenarios.support.deployment import Claims, print_table
from video_pipeline_tests.scenarios.support.operations import CONFIGURATION, Stage
from video_pipeline_tests.scenarios.support.running_up import running_up

# The revision whose figures are the alternative.
BEFORE = arrivals_lateness.BASELINE
# The same for one short video, run by today's libraries.
SPARING = "56a4edb"
# The length of a video whose run can be killed while it decodes.
_LONG_SECONDS = 240
_DISK_MEGABYTES = 700
# How long lateness is measured. The earlier revision serves its last projects after that.
_WINDOW_SECONDS = 180.0
# The share of the earlier revision's CPU time that a deployment at rest may use.
_AT_REST_SHARE = 0.6
# Each run records more for people than before: why phases did not come, and two more checks.
_RECORDS_SHARE = 1.1


def run() -> int:
    """Return 0 if every claim holds."""
    claims = Claims()
    try:
        _operate(claims)
    except BaseException:
        claims.verdict()  # what was seen before
        raise
    return claims.verdict()


def _operate(claims: Claims) -> None:
    with tempfile.TemporaryDirectory(prefix="operate-") as name:
        folder = Path(name)
        short = reels.cut(folder / "short.mp4")
        long = make_reel(folder / "long.mp4", _LONG_SECONDS).read_bytes()
        with _stage(folder / "faults", claims, short, long) as stage:
            for failure, meet in operations.FAULTS.items():
                _promised(failure)
                meet(stage)
        with (
            _small_disk(folder / "disk" / "home"),
            _stage(folder / "disk", claims, short, long) as stage,
        ):
            _promised(operations.FULL)
            operations.fill_disk(stage)
        _answer_nonsense(claims)
        with checked_out(BEFORE, folder / BEFORE) as before:
            _compare_lateness(before, folder, claims)
            _compare_at_rest(before, folder, claims)
        _compare_one_video(folder, claims)


@contextmanager
def _stage(folder: Path, claims: Claims, short: bytes, long: bytes) -> Generator[Stage]:
    folder.mkdir(exist_ok=True)
    file = folder / "pipeline.yaml"
    file.write_text(CONFIGURATION)
    (folder / "ingest").mkdir()
    with running_up(folder / "home", file) as up:
        stage = Stage(up, claims, short, long)
        stage.deliver("acme/first")
        stage.await_done("acme/first")
        yield stage


@contextmanager
def _small_disk(home: Path) -> Generator[None]:
    """Mount a small file system for a state folder."""
    home.mkdir(parents=True)
    size = f"size={_DISK_MEGABYTES}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(home)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(home)], check=True)


def _promised(failure: str) -> None:
    """Print what docs/operations.md promises."""
    print(f"\n{operations.promise(failure)}", flush=True)


def _answer_nonsense(claims: Claims) -> None:
    """Put a proxy of faults before AWS's doubles, and print what becomes of each unit."""
    rows = fault_table.rows()
    print_table("Faults of AWS", fault_table.Row._fields, rows)
    wrong = [row.fault for row in rows if row.outcome != row.expected]
    claims.equal(f"each of {len(rows)} faults of AWS ends as expected, paid once", [], wrong)


def _compare_lateness(before: Path, folder: Path, claims: Claims) -> None:
    _promised(operations.MANY)
    old = arrivals_lateness.lateness_of(before, folder / "late-before", seconds=_WINDOW_SECONDS)
    new = arrivals_lateness.lateness_of(ROOT, folder / "late-now", seconds=_WINDOW_SECONDS)
    arrivals_lateness.show(old, new)
    arrivals_lateness.claim(claims, old, new)


def _compare_at_rest(before: Path, folder: Path, claims: Claims) -> None:
    old, new = at_rest(before, folder / "rest-before"), at_rest(ROOT, folder / "rest-now")
    rows = [_row(BEFORE, old), _row("now", new)]
    columns = ("", "kB of records a run", "CPU-s a minute at rest", "by process")
    print_table("300 videos", columns, rows)
    claims.holds(
        f"a deployment at rest uses at most {_AT_REST_SHARE:g} of the CPU time",
        new.cpu_a_minute <= _AT_REST_SHARE * old.cpu_a_minute,
        f"{new.cpu_a_minute:.1f} of {old.cpu_a_minute:.1f} CPU-s a minute",
    )
    claims.holds(
        f"a run leaves at most {_RECORDS_SHARE:g} of the records",
        new.record_bytes <= _RECORDS_SHARE * old.record_bytes,
        f"{new.record_bytes / 1000:.0f} kB ({old.record_bytes / 1000:.0f} kB at {BEFORE})",
    )


def _compare_one_video(folder: Path, claims: Claims) -> None:
    with checked_out(SPARING, folder / SPARING, environment=False) as before:
        old = cpu_of_one_video(before)
    new = cpu_of_one_video(ROOT)
    rows = [
        (name, *(f"{cost:.2f}" for cost in found.values()))
        for name, found in ((SPARING, old), ("now", new))
    ]
    print_table("CPU-seconds of a video of one second", ("", *new), rows)
    for what in ("try", "run"):
        seen = f"{new[what]:.2f} of {old[what]:.2f} s"
        claims.holds(f"`{what}` of such a video costs less CPU", new[what] < old[what], seen)


def _row(name: str, found: AtRest) -> tuple[str, str, str, str]:
    by_process = ", ".join(f"{kind} {cost:.1f}" for kind, cost in sorted(found.by_process.items()))
    return name, f"{found.record_bytes / 1000:.0f}", f"{found.cpu_a_minute:.1f}", by_process
