"""Backfill 50 videos with the doubles of AWS: parked videos hold no run, and each is paid once.

Dagster's webserver, daemon, code server and runs are real. So are the bucket, the topic and the
queues; the two services are doubles. Five jobs of Rekognition run at once, and end only when the
scenario ends them. One project's paid minutes do not suffice for all of its videos: they wait with
that reason until pipeline.yaml allows more. At the end the double's billing records, the ledger and
the day's minutes agree.
"""

import json
import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

import dagster as dg

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.connection import connect
from video_pipeline.defs.parked.held_runs import waiting
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import PHASES
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.jobs.wording import reason_of
from video_pipeline_tests.scenarios.support.aws_account import (
    ACCOUNT,
    VIDEO,
    AwsAccount,
    aws_account,
)
from video_pipeline_tests.scenarios.support.clips import short_clip, unlike
from video_pipeline_tests.scenarios.support.commands import Commands
from video_pipeline_tests.scenarios.support.deployment import (
    Claims,
    dagster_deployment,
    print_table,
    temporary_deployment,
)
from video_pipeline_tests.scenarios.support.executing import Watch, executing, unfinished
from video_pipeline_tests.servers.webserver import Shown, Webserver

VIDEOS, JOBS = 50, 5
PROJECTS = ("acme", "globex", "initech")
BRAKED = "initech"
# The phases that depend on a parked one.
PARKED = ("shots", "events", "transcript")
HANGING = ("pictures", "scenes", "timeline", "exports")
_CLIP_SECONDS = 3.2
# Of each video: shots, cues and speech of a clip that is longer than three seconds.
_PAID_SECONDS = 12
_DAY = 86_400.0
_PATIENCE_SECONDS = 7200
_QUIET_SECONDS = 20
_SHOWN = 12
_LIMIT = "limits: {{paid_minutes_per_day: {minutes:g}}}"
_CONFIGURATION = """\
{storage}providers:
{providers}phases:
  shots: [cloud-video]
  events: [cloud-video]
  transcript: {{providers: [cloud-speech], language: en}}
projects:
  {braked}:
    {limit}
"""


def run(videos: int = VIDEOS) -> int:
    """Run it, and return 0 if every claim holds."""
    keys = [f"{PROJECTS[n % len(PROJECTS)]}/clip-{n:02}" for n in range(videos)]
    with temporary_deployment() as (folder, uri):
        clip = short_clip(folder / "clip.mp4", _CLIP_SECONDS)
        account_of = aws_account(folder, folder / "clip.mp4", jobs=JOBS, running_seconds=_DAY)
        with account_of as account, closing(connect(uri, "video_pipeline")) as catalog:
            account.deliver(uri, {key: unlike(clip, n) for n, key in enumerate(keys)})
            file = folder / "pipeline.yaml"
            file.write_text(_configuration(account, _allowed(keys)))
            deployed = dagster_deployment(folder, uri, keys, PROJECTS, account.environment)
            with deployed as (instance, server, commands):
                stage = _Stage(account, catalog, instance, server, commands, file, keys)
                stage.park()
                stage.end_jobs()
                stage.lift_the_brake()
                stage.finish()
                return stage.claims.verdict()


def _allowed(keys: Sequence[str]) -> float:
    """Return minutes for about half of the limited project's requests."""
    mine = sum(key.startswith(f"{BRAKED}/") for key in keys)
    return mine * _PAID_SECONDS / 2 / 60


def _configuration(account: AwsAccount, minutes: float) -> str:
    return _CONFIGURATION.format(
        storage=account.storage,
        providers=account.providers,
        braked=BRAKED,
        limit=_LIMIT.format(minutes=minutes),
    )


@dataclass
class _Stage:
    """The running deployment, its watch, and the claims."""

    account: AwsAccount
    catalog: Catalog
    instance: dg.DagsterInstance
    server: Webserver
    commands: Commands
    file: Path
    keys: list[str]
    claims: Claims = field(default_factory=Claims)

    def __post_init__(self) -> None:
        self._watch = Watch(self._told, _PATIENCE_SECONDS)
        self._days = {_today()}
        self._backfill = ""

    def park(self) -> None:
        """Launch the backfill, and check it when every video is parked."""
        self._backfill = self.server.launch_backfill([phase.value for phase in PHASES], self.keys)
        self._watch.until(self._all_parked, "every video is parked")
        runs = self.instance.get_runs_count()
        quiet = self._executing_meanwhile()
        self.claims.equal("parked: 0 runs execute", 0, quiet)
        started = self.instance.get_runs_count() - runs
        self.claims.equal("parked: no run is requested", 0, started)
        self.claims.equal("parked: the backfill is open", "REQUESTED", self._status())
        for asset in (*PARKED, *HANGING):
            self._claim_states("parked", asset, "in progress")
        for asset in ("source_video", "media_info", "audio", "objects"):
            self._claim_states("parked", asset, "materialized")
        books = self.account.rekognition.books()["running"]
        self.claims.equal("parked: jobs at Rekognition", [JOBS], [*books.values()])
        waits = sum(unit.state is UnitState.QUEUED for unit in self._units())
        self.claims.equal("parked: all others wait", len(self.keys) - JOBS, waits)
        self._show_page()

    def end_jobs(self) -> None:
        """End every job, and let later ones run for a second, until two projects are done."""
        self.account.run_for(1)
        self.account.end_jobs(_DAY)
        self._watch.until(self._others_done, f"all is done but for {BRAKED}, which is braked")
        braked = [unit for unit in self._units() if unit.state is UnitState.QUEUED]
        reason = f"{BRAKED} has used up its {_allowed(self.keys):g} paid minutes"
        told = Counter(reason_of(unit).partition(" paid")[0] for unit in braked)
        theirs = all(unit.request.key.project == BRAKED for unit in braked)
        held = (
            theirs and bool(braked) and all(reason_of(unit).startswith(reason) for unit in braked)
        )
        self.claims.holds("braked: they wait with that reason", held, dict(told))
        used, limit = self._used(BRAKED), _allowed(self.keys) * 60
        seen = f"{float(used):g} of {limit:g} s"
        self.claims.holds("braked: no more than the limit is used", 0 < used <= limit, seen)
        self.claims.equal("braked: 0 runs execute", 0, self._executing_meanwhile())
        self.claims.equal("braked: the backfill is open", "REQUESTED", self._status())
        done = Counter(self.server.partition_states("timeline").values())
        print(f"\ntimelines: {dict(done)}")
        print(self.commands.call("jobs", "--project", BRAKED))

    def lift_the_brake(self) -> None:
        """Raise the limit in pipeline.yaml, and wait until the backfill has ended."""
        before = _LIMIT.format(minutes=_allowed(self.keys))
        text = self.file.read_text()
        assert text.count(before) == 1
        self.file.write_text(text.replace(before, _LIMIT.format(minutes=600)))
        print(f"\n{self._watch.elapsed:5.0f} s  {before} -> {_LIMIT.format(minutes=600)}")
        self._watch.until(self._ended, "the backfill has ended")
        self._watch.until(self._nothing_left, "no run and no slot is left")

    def finish(self) -> None:
        """Check the web interface, the ledger and the vendor's billing records."""
        self.claims.equal("the backfill ended well", "COMPLETED_SUCCESS", self._status())
        for phase in PHASES:
            self._claim_states("done", phase.value, "materialized")
        self.claims.equal("no run is left", 0, len(unfinished(self.instance)))
        pools = self.catalog.admissions.pools()
        self.claims.equal("no slot is held", 0, sum(len(pool.holders) for pool in pools))
        states = Counter(str(unit.state) for unit in self._units())
        expected = {str(UnitState.SETTLED): 2 * len(self.keys)}
        self.claims.equal("two work units a video, all settled", expected, dict(states))
        waits = sum(unit.state is UnitState.QUEUED for unit in self._units())
        self.claims.equal("nothing waits", 0, waits)
        self._claim_books()
        self._claim_minutes()
        runs = self.instance.get_runs_count()
        print(f"\n{runs} runs of {len(self.keys)} videos in {self._watch.elapsed:.0f} s")
        print(self.commands.call("jobs", "--state", "settled", "--limit", "1"))

    def _claim_books(self) -> None:
        video, speech = self.account.rekognition.books(), self.account.transcribe.books()
        for name, jobs in (("Rekognition", _videos(video)), ("Transcribe", _videos(speech))):
            once = set(jobs.values()) == {1} and len(jobs) == len(self.keys)
            self.claims.holds(f"{name} billed each video once", once, f"{len(jobs)} videos")
        kinds = {tuple(job["types"]) for job in video["jobs"]}
        self.claims.equal("shots and cues are one job", {("SHOT", "TECHNICAL_CUE")}, kinds)
        peak = max(video["peak"].values())
        self.claims.equal(f"never more than {JOBS} jobs at once", JOBS, peak)
        whole = sum(math.ceil(job["milliseconds"] / 1000) for job in video["jobs"])
        exact = sum(job["milliseconds"] for job in video["jobs"]) / 1000
        settled = self._settled()
        print(f"\nRekognition billed {json.dumps(video['billed'])} minutes, {exact:g} s of each")
        print(f"Transcribe billed {json.dumps(speech['billed'])} seconds")
        expected = {
            "video_seconds (shot)": whole,
            "video_seconds (technical-cue)": whole,
            "audio_seconds": speech["billed"]["Transcription"],
        }
        self.claims.equal("the ledger's seconds are the billed ones", expected, settled)

    def _claim_minutes(self) -> None:
        """Check the day's paid seconds of projects and accounts against the ledger."""
        for project in PROJECTS:
            mine = [unit for unit in self._units() if unit.request.key.project == project]
            seconds = sum(used.quantity for unit in mine for used in unit.settled)
            seen = float(self._used(project))
            self.claims.equal(f"paid seconds of the day: {project}", float(seconds), seen)
        for plugin in ("aws-rekognition", "aws-transcribe"):
            mine = [unit for unit in self._units() if unit.request.plugin == plugin]
            seconds = sum(used.quantity for unit in mine for used in unit.settled)
            name = f"{plugin}/{ACCOUNT}"
            used = sum(self.catalog.admissions.used(day, account=name) for day in self._seen_days())
            self.claims.equal(f"paid seconds of the day: {name}", float(seconds), float(used))

    def _claim_states(self, when: str, asset: str, state: str) -> None:
        shown = self.server.partition_states(asset)
        count = sum(shown.get(key) == state for key in self.keys)
        self.claims.equal(f"{when}: {asset} is {state}", len(self.keys), count)

    def _show_page(self) -> None:
        """Print the assets, observations and commands while everything is parked."""
        counts = {
            phase.value: Counter(self.server.partition_states(phase.value).values())
            for phase in PHASES
        }
        rows = [(asset, *(count[s] for s in _STATES)) for asset, count in counts.items()]
        print()
        print_table(f"Backfill {self._backfill} while parked", ["asset", *_STATES], rows)
        observed = {asset: self.server.observations(asset, self.keys) for asset in PARKED}
        every = [seen for of_asset in observed.values() for seen in of_asset.values()]
        self.claims.equal("parked: observations", len(PARKED) * len(self.keys), len(every))
        untold = [f"{seen.partition}: {seen.metadata}" for seen in every if not _is_told(seen)]
        self.claims.holds(
            "each tells provider, job or place, since, planned minutes", not untold, untold[:2]
        )
        titles = ["asset", "partition", "provider", "job, or what it waits for", "since", "planned"]
        some = [
            (asset, *_row(seen))
            for asset, of_asset in observed.items()
            for seen in _spread(of_asset, _SHOWN // len(PARKED))
        ]
        print_table("Last observations of parked phases (some)", titles, some)
        print(self.commands.call("jobs", "--limit", str(_SHOWN)))

    def _told(self) -> str:
        self._days.add(_today())
        timelines = Counter(self.server.partition_states("timeline").values())
        states = Counter(_where(unit) for unit in self._units())
        told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        shown = ", ".join(f"{count} {state}" for state, count in sorted(timelines.items()))
        now = f"{self._status():10} executing {len(executing(self.instance))}"
        return f"{now}; timelines: {shown or '-'}; units: {told or '-'}"

    def _all_parked(self) -> bool:
        parked = len(waiting(self.instance)) == len(self.keys)
        return parked and not executing(self.instance) and len(self._units()) == 2 * len(self.keys)

    def _others_done(self) -> bool:
        shown = self.server.partition_states("exports")
        others = [key for key in self.keys if not key.startswith(f"{BRAKED}/")]
        if not all(shown.get(key) == "materialized" for key in others):
            return False
        open_units = [unit for unit in self._units() if not unit.state.final]
        waits = all(unit.state is UnitState.QUEUED for unit in open_units)
        held = {run.run_id for run in waiting(self.instance)}
        return waits and set(unfinished(self.instance)) == held

    def _nothing_left(self) -> bool:
        held = any(pool.holders for pool in self.catalog.admissions.pools())
        return not held and not unfinished(self.instance)

    def _executing_meanwhile(self) -> int:
        """Return the most runs that execute at once within some seconds."""
        until, most = time.monotonic() + _QUIET_SECONDS, 0
        while time.monotonic() < until:
            most = max(most, len(executing(self.instance)))
            time.sleep(0.5)
        return most

    def _ended(self) -> bool:
        return self._status() not in ("REQUESTED", "COMPLETING", "FAILING")

    def _status(self) -> str:
        return self.server.backfill_status(self._backfill)

    def _units(self) -> list[WorkUnit]:
        return list(_units(self.catalog, self.keys))

    def _settled(self) -> dict[str, int]:
        found = Counter[str]()
        for used in (used for unit in self._units() for used in unit.settled):
            found[used.counted] += int(used.quantity)
        return dict(found)

    def _seen_days(self) -> set[date]:
        return self._days | {_today()}

    def _used(self, project: str) -> Fraction:
        days = self._seen_days()
        used = self.catalog.admissions.used
        return sum((used(day, project=project) for day in days), Fraction(0))


_STATES = ("materialized", "in progress", "failed")


def _units(catalog: Catalog, keys: Sequence[str]) -> Iterator[WorkUnit]:
    for key in map(VideoKey.parse, keys):
        yield from catalog.project(key.project).units.of_video(key.video)


def _where(unit: WorkUnit) -> str:
    name = "pictures" if unit.request.provider == VIDEO else "speech"
    return f"{name} {unit.state}"


def _videos(book: dict[str, list[dict[str, str]]]) -> Counter[str]:
    """Count the billed jobs of each video."""
    done = [job for job in book["jobs"] if job["status"] in ("SUCCEEDED", "COMPLETED")]
    return Counter(job.get("video") or job["media"] for job in done)


def _is_told(seen: Shown) -> bool:
    """Return whether an observation has provider, job or place, start and planned minutes."""
    told = seen.metadata
    place = "job" in told or "place " in str(told.get("waits for"))
    since = isinstance(told.get("since"), int | float)
    planned = ", paid" in str(told.get("planned"))
    return place and since and planned and str(told.get("provider")).startswith("cloud-")


def _row(seen: Shown) -> tuple[str, ...]:
    told = seen.metadata
    since = datetime.fromtimestamp(told["since"], UTC).strftime("%H:%M:%S")
    where = f"job {told['job'][:24]}..." if "job" in told else told["waits for"]
    return seen.partition, told["provider"], where, since, told["planned"]


def _spread(observed: dict[str, Shown], count: int) -> list[Shown]:
    """Select some observations: those with a job first, then waiting ones."""
    order = sorted(observed.values(), key=lambda seen: ("job" not in seen.metadata, seen.partition))
    return [*order[: count // 2], *order[-(count - count // 2) :]]


def _today() -> date:
    return datetime.now(UTC).date()
