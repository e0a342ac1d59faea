"""Kill 20 processes of the deployment while 50 videos are processed: nothing is lost or doubled.

Three projects run through a real webserver, daemon, code server and MongoDB, in buckets of a real
server (ministack). Two projects arrive by events, one is backfilled; a paid vendor finds the shots.
A supervisor restarts the webserver, the daemon and MongoDB.
"""

import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import psutil

from video_pipeline.catalog.connection import connect
from video_pipeline.cli.server.processes import descendants
from video_pipeline.defs.partitions import VIDEOS_NAME
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import PHASES
from video_pipeline.pipeline.arrivals.look import register_now
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline_tests.doubles.installed import expose
from video_pipeline_tests.doubles.vendor import Vendor
from video_pipeline_tests.scenarios.support import chaos_verdict, reels
from video_pipeline_tests.scenarios.support.chaos_verdict import Claim
from video_pipeline_tests.scenarios.support.deployment import print_table
from video_pipeline_tests.scenarios.support.executing import unfinished
from video_pipeline_tests.servers.bucket_that_tells import BucketThatTells, bucket_that_tells
from video_pipeline_tests.servers.s3_servers import REGION, S3Server, ministack
from video_pipeline_tests.servers.supervised import (
    CODE_SERVER,
    DAEMON,
    MONGOD,
    RUNS,
    WEBSERVER,
    Supervised,
    supervised,
)

SEED = 20261124
KILLS = (RUNS,) * 8 + (MONGOD,) * 4 + (DAEMON,) * 3 + (CODE_SERVER,) * 3 + (WEBSERVER,) * 2
# Pause between two kills.
PAUSE_SECONDS = (4.0, 9.0)
ARRIVING = [f"{('acme', 'globex')[n % 2]}/reel-{n:02}" for n in range(34)]
BACKFILLED = [f"initech/reel-{n:02}" for n in range(16)]
_JOB_SECONDS = 3
_PATIENCE_SECONDS = 1200
_CONFIGURATION = """\
storage:
  ingest: {{bucket: {bucket}, notifications: {{queue: "{queue}", endpoint: "{endpoint}"}}}}
  outputs: {{bucket: {outputs}}}
  s3:
    endpoint: "{endpoint}"
    region: {region}
    access_key_id: {{env: SCENARIO_KEY}}
    secret_access_key: {{env: SCENARIO_SECRET}}
providers:
  vendor: {{plugin: vendor-shots, options: {{url: "{url}"}}}}
phases:
  shots: [vendor]
work: {{lease_seconds: 4, backoff_seconds: 0.1}}
"""


def run() -> int:
    """Return 0 if every claim holds."""
    before = descendants()
    with tempfile.TemporaryDirectory(prefix="chaos-") as name, Vendor() as vendor:
        folder = Path(name)
        home = folder / "home"
        with ministack(folder) as server:
            bucket = _bucket(server, vendor, folder / "pipeline.yaml")
            environment = {
                "PYTHONPATH": expose(folder / "plugins"),
                "SCENARIO_KEY": server.access,
                "SCENARIO_SECRET": server.secret,
                "VIDEO_PIPELINE_CONFIG": str(folder / "pipeline.yaml"),
                "VIDEO_PIPELINE_HOME": str(home),
            }
            with supervised(folder, environment) as deployment:
                stage = _Stage(deployment, vendor, bucket, reels.cut(folder / "reel.mp4"))
                stage.work()
                claims = stage.claims()
        scratch = [str(left) for left in (home / "scratch").iterdir()]
        left = sorted(descendants() - before)
        claims += [Claim("no scratch is left", scratch), Claim("no process is left", left)]
    rows = [(c.what, "yes" if c.holds else "NO", _first(c.exceptions)) for c in claims]
    print_table("Results", ["claim", "holds", "but for"], rows)
    return 0 if all(claim.holds for claim in claims) else 1


def _bucket(server: S3Server, vendor: Vendor, file: Path) -> BucketThatTells:
    """The bucket in which videos arrive, with a file that names it, its queue, and a bucket of
    outputs."""
    bucket = bucket_that_tells(server)
    outputs = f"{bucket.name}-out"
    bucket.s3.create_bucket(Bucket=outputs)
    text = _CONFIGURATION.format(
        bucket=bucket.name,
        queue=bucket.queue,
        outputs=outputs,
        endpoint=server.endpoint,
        region=REGION,
        url=vendor.url,
    )
    file.write_text(text)
    return bucket


def _first(exceptions: Sequence[object]) -> str:
    told = ", ".join(map(str, exceptions[:4]))
    return f"{len(exceptions)}: {told}" if exceptions else ""


@dataclass
class _Stage:
    """The running deployment and the kills in it."""

    deployment: Supervised
    vendor: Vendor
    bucket: BucketThatTells
    reel: bytes
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))
    kills: list[tuple[str, int, str]] = field(default_factory=list[tuple[str, int, str]])
    backfill: str = ""
    seen: dict[str, float] = field(default_factory=dict[str, float])
    began: float = field(default_factory=time.monotonic)

    @property
    def keys(self) -> list[VideoKey]:
        return [VideoKey.parse(key) for key in (*ARRIVING, *BACKFILLED)]

    def work(self) -> None:
        """Deliver all videos, and kill until the plan is empty and every video is done."""
        self._script_vendor()
        self._launch()
        reels.put(self.bucket, self.reel, ARRIVING)
        plan = list(KILLS)
        self.chance.shuffle(plan)
        pause = self.chance.uniform(*PAUSE_SECONDS)
        last = time.monotonic()
        while plan or not self._done():
            self._check_time(plan)
            self._end_jobs()
            if plan and time.monotonic() - last > pause and self._kill(plan[0]):
                plan.pop(0)
                last, pause = time.monotonic(), self.chance.uniform(*PAUSE_SECONDS)
            time.sleep(0.5)
        self._print_kills()

    def claims(self) -> list[Claim]:
        """Return the claims, checked while everything still runs."""
        with closing(connect(self.deployment.uri, "video_pipeline")) as catalog:
            return [
                Claim("every planned kill ended a process", self._missed()),
                Claim("all kills came before the last video was done", self._late()),
                *chaos_verdict.of_videos(catalog, self.keys, self.reel),
                *chaos_verdict.of_vendor(self.vendor, self.keys),
                *chaos_verdict.of_events(catalog),
                *chaos_verdict.of_dagster(
                    self.deployment.instance, self.deployment.server, self.keys, self.backfill
                ),
            ]

    def _script_vendor(self) -> None:
        """Let a third of the jobs answer at once, a third at the first poll, and a third later."""
        for number, key in enumerate(self.keys):
            self.vendor.behave(str(key), ("now", "soon", "later")[number % 3])

    def _launch(self) -> None:
        reels.put(self.bucket, self.reel, BACKFILLED)
        ingest = S3Ingest(self.bucket.s3, self.bucket.name)
        with closing(connect(self.deployment.uri, "video_pipeline")) as catalog:
            for key in BACKFILLED:
                register_now(ingest, catalog, reels.object_key(key), datetime.now(UTC))
        self.deployment.instance.add_dynamic_partitions(VIDEOS_NAME, BACKFILLED)
        phases = [phase.value for phase in PHASES]
        self.backfill = self.deployment.server.launch_backfill(phases, BACKFILLED)

    def _kill(self, kind: str) -> bool:
        """Kill one process of the kind. Return whether that ended one."""
        living = self.deployment.living(kind)
        if not living:
            return False
        pid = self.chance.choice(living)
        try:
            self.deployment.kill(kind, pid)
        except psutil.NoSuchProcess:
            return False  # it ended by itself between the look and the kill
        done = f"{len(self._exported())} of {len(self.keys)}"
        self.kills.append((kind, self._seconds(), done))
        print(f"{self._seconds():5} s  {done} videos done, kill -9 {kind} {pid}", flush=True)
        return True

    def _end_jobs(self) -> None:
        now = time.monotonic()
        for job in list(self.vendor.jobs.values()):
            if now - self.seen.setdefault(job.id, now) > _JOB_SECONDS:
                self.vendor.finish(job.video)

    def _done(self) -> bool:
        status = self.deployment.server.backfill_status
        return (
            self._exported() >= set(map(str, self.keys))
            and not unfinished(self.deployment.instance)
            and status(self.backfill) not in ("REQUESTED", "COMPLETING")
        )

    def _exported(self) -> set[str]:
        return self.deployment.instance.get_materialized_partitions(dg.AssetKey("exports"))

    def _seconds(self) -> int:
        return round(time.monotonic() - self.began)

    def _check_time(self, plan: list[str]) -> None:
        if self._seconds() > _PATIENCE_SECONDS:
            lacking = sorted(set(map(str, self.keys)) - self._exported())
            raise TimeoutError(f"after {_PATIENCE_SECONDS} s: kills left {plan}, videos {lacking}")

    def _missed(self) -> list[str]:
        killed = Counter(kind for kind, _, _ in self.kills)
        return [f"{kind}: {n}" for kind, n in (Counter(KILLS) - killed).items()]

    def _late(self) -> list[str]:
        return [f"{kind} at {at} s" for kind, at, done in self.kills if done.startswith("50 ")]

    def _print_kills(self) -> None:
        print(f"\nall was done after {self._seconds()} s")
        rows = [(number, *kill) for number, kill in enumerate(self.kills, 1)]
        print_table("Killed with SIGKILL", ["", "process", "at second", "videos done"], rows)
