"""Ingest 200 videos of three tenants by S3 events, and account for every object.

The bucket, its queue and the outputs are on a real server (ministack). The webserver, daemon,
sensor and runs are Dagster's own, and the clips are real. Ten objects are junk of three sorts.
While other videos run, ten are overwritten and five deleted; each tenant has another removal
policy. The scenario holds if the table at the end adds up.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.connection import connect
from video_pipeline.defs.partitions import VIDEOS_NAME
from video_pipeline.domain.phases import PHASES
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.source import Due, VideoRecord
from video_pipeline_tests.scenarios.support.clips import short_clip, unlike
from video_pipeline_tests.scenarios.support.deployment import (
    Claims,
    print_table,
    temporary_deployment,
)
from video_pipeline_tests.scenarios.support.executing import UNFINISHED
from video_pipeline_tests.servers.bucket_that_tells import BucketThatTells, bucket_that_tells
from video_pipeline_tests.servers.dagster_processes import dagster_processes
from video_pipeline_tests.servers.s3_servers import REGION, ministack

POLICIES = {"acme": "keep", "globex": "archive", "initech": "delete"}
VIDEOS = 190
OVERWRITTEN, DELETED = 10, 5
# Junk: objects outside a video's folder and empty ones are rejected, non-media fails as a video.
UNPLACED, EMPTY, NO_MEDIA = 4, 3, 3
_PATIENCE_SECONDS = 3600
_CONFIGURATION = """\
storage:
  ingest:
    bucket: {ingest}
    notifications: {{queue: "{queue}", dead_letters: "{dead_letters}", endpoint: "{endpoint}"}}
  outputs: {{bucket: {outputs}}}
  s3:
    endpoint: "{endpoint}"
    region: {region}
    access_key_id: {{env: SCENARIO_KEY}}
    secret_access_key: {{env: SCENARIO_SECRET}}
providers:
  cuts: {{plugin: pyscenedetect}}
phases:
  shots: [cuts]
arrivals: {{pause_seconds: 60, missing_seconds: 0}}
projects:
{projects}
"""


def run(videos: int = VIDEOS) -> int:
    """Run it, and return 0 if every claim holds."""
    with temporary_deployment() as (folder, uri), ministack(folder) as server:
        bucket = bucket_that_tells(server)
        outputs = f"{bucket.name}-out"
        bucket.s3.create_bucket(Bucket=outputs)
        _configure(folder, bucket, outputs)
        environment = {
            "MONGODB_URI": uri,
            "SCENARIO_KEY": server.access,
            "SCENARIO_SECRET": server.secret,
            "VIDEO_PIPELINE_CONFIG": str(folder / "pipeline.yaml"),
            "VIDEO_PIPELINE_HOME": str(folder / ".video-pipeline"),
        }
        catalog = connect(uri, "video_pipeline")
        with dagster_processes(folder / "dagster", environment) as (instance, _):
            stage = _Stage(
                bucket, outputs, catalog, instance, short_clip(folder / "clip.mp4", 2, ["video"])
            )
            stage.arrive(videos)
            stage.change()
            stage.settle()
            held = stage.verdict()
        catalog.close()
        return held


def _configure(folder: Path, bucket: BucketThatTells, outputs: str) -> None:
    projects = "".join(f"  {name}: {{removal: {way}}}\n" for name, way in POLICIES.items())
    text = _CONFIGURATION.format(
        ingest=bucket.name,
        outputs=outputs,
        queue=bucket.queue,
        dead_letters=bucket.dead_letters,
        endpoint=bucket.server.endpoint,
        region=REGION,
        projects=projects,
    )
    (folder / "pipeline.yaml").write_text(text)


@dataclass
class _Stage:
    """The running deployment and the changes to its bucket."""

    bucket: BucketThatTells
    outputs: str
    catalog: Catalog
    instance: dg.DagsterInstance
    clip: bytes
    content: dict[str, str] = field(default_factory=dict)
    """Each good video with the SHA-256 of its last bytes."""
    overwritten: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    claims: Claims = field(default_factory=Claims)

    def arrive(self, videos: int) -> None:
        """Put all objects, and one malformed message."""
        for number in range(videos):
            key = f"{list(POLICIES)[number % 3]}/clip-{number:03}"
            self._put(key, unlike(self.clip, number))
        for number, project in enumerate([*POLICIES, *POLICIES, *POLICIES][:UNPLACED]):
            self.bucket.put(f"projects/{project}/unplaced-{number}.mp4")
        for number, project in enumerate([*POLICIES][:EMPTY]):
            self.bucket.put(f"projects/{project}/videos/empty-{number}/a.mp4", b"")
        for number, project in enumerate([*POLICIES][:NO_MEDIA]):
            self.bucket.put(
                f"projects/{project}/videos/no-media-{number}/a.mp4", b"no video at all"
            )
        self.bucket.say("nobody can read this")

    def change(self) -> None:
        """Overwrite and delete some videos while their runs are in progress."""
        wanted = len(self.content) + NO_MEDIA
        self._until(
            lambda: len(list(self._records())) == wanted and not self._due(Due.RUN),
            "everything is registered, and its run requested",
        )
        known = sorted(self.content)  # by tenant: both are spread over all of them
        step = max(3, len(known) // OVERWRITTEN)
        self.overwritten = known[::step][:OVERWRITTEN]
        self.deleted = known[step // 2 :: 2 * step][:DELETED]
        for number, key in enumerate(self.overwritten):
            self._put(key, unlike(self.clip, 10_000 + number))
        for key in self.deleted:
            self.bucket.remove(_object_key(key))
            del self.content[key]

    def settle(self) -> None:
        """Wait until no message, arrival, removal or run is left."""
        self._until(self._is_quiet, "all is done")

    def verdict(self) -> int:
        """Print the table and the claims, and return 0 if all hold."""
        rows = [self._row(project) for project in POLICIES]
        rows.append(("all", *(sum(column) for column in zip(*(r[1:] for r in rows), strict=True))))
        titles = ("put", "rejected", "failed", "done", "removed", "runs", "overwritten")
        print()
        print_table("Results", ["tenant", *titles], rows)
        _, put, rejected, failed, done, removed, runs, overwritten = rows[-1]
        self.claims.holds(
            "rejected, failed, done and removed are what was put",
            put == rejected + failed + done + removed,
            put,
        )
        self.claims.holds(
            "a run for each arrival and each overwriting, none twice",
            runs == put - rejected + overwritten,
            runs,
        )
        self.claims.holds(
            "the junk in no folder and the empty is rejected",
            rejected == UNPLACED + EMPTY,
            rejected,
        )
        self.claims.holds("what is no media failed, and nothing else", failed == NO_MEDIA, failed)
        self.claims.holds(
            "what was deleted is removed, as each tenant's policy says",
            removed == len(self.deleted),
            removed,
        )
        self.claims.holds("each result is of the last bytes", *self._contents())
        self.claims.holds("each tenant's outputs are its own", *self._outputs())
        self.claims.holds("keys of archived and deleted videos are gone", *self._keys())
        letters = self.bucket.sqs.get_queue_attributes(
            QueueUrl=self.bucket.dead_letters, AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]["ApproximateNumberOfMessages"]
        self.claims.holds(
            "the message that nobody can read is a dead letter", letters == "1", letters
        )
        return self.claims.verdict()

    def _put(self, key: str, content: bytes) -> None:
        self.bucket.put(_object_key(key), content)
        self.content[key] = hashlib.sha256(content).hexdigest()

    def _records(self) -> Iterator[VideoRecord]:
        for project in POLICIES:
            yield from self.catalog.project(project).videos.listing()

    def _state(self, record: VideoRecord) -> str:
        if record.removed_at is not None:
            return "removed"
        statuses = self.catalog.project(record.key.project).results.statuses(record.key.video)
        states = {status.state for status in statuses.values()}
        if PhaseState.FAILED in states:
            return "failed"
        done = set(statuses) == set(PHASES) and all(state.good for state in states)
        return "done" if done else "open"

    def _states(self) -> Counter[str]:
        return Counter(map(self._state, self._records()))

    def _is_quiet(self) -> bool:
        due = sum(map(self._due, Due))
        removed = sum(r.removed_at is not None for r in self._records())
        gone = len(list(self._records())) - removed == len(self.content) + NO_MEDIA
        open_runs = self.instance.get_runs_count(dg.RunsFilter(statuses=UNFINISHED))
        return gone and not (due or open_runs or self.bucket.waiting())

    def _due(self, what: Due) -> int:
        return sum(self.catalog.project(p).arrivals.count_due(what) for p in POLICIES)

    def _until(self, there: Any, what: str) -> None:
        began, last = time.monotonic(), ""
        while not there():
            if time.monotonic() > began + _PATIENCE_SECONDS:
                raise TimeoutError(f"not within {_PATIENCE_SECONDS} s: {what}; {last}")
            told = ", ".join(f"{n} {state}" for state, n in sorted(self._states().items()))
            told += f"; {self.bucket.waiting()} messages"
            if told != last:
                last = told
                print(f"{time.monotonic() - began:5.0f} s  {told}", flush=True)
            time.sleep(3)
        print(f"{time.monotonic() - began:5.0f} s  {what}", flush=True)

    def _row(self, project: str) -> tuple[Any, ...]:
        half = self.catalog.project(project)
        states = Counter(self._state(r) for r in half.videos.listing())
        mine = [key for key in self.deleted if key.startswith(f"{project}/")]
        removed = len([key for key in mine if self._is_removed(key)])
        rejected = len(half.videos.rejections())
        good = [key for key in self.content if key.startswith(f"{project}/")]
        junk = self.bucket.s3.list_objects_v2(
            Bucket=self.bucket.name, Prefix=f"projects/{project}/"
        )
        put = junk["KeyCount"] + len(mine)
        assert put >= len(good)
        again = len([key for key in self.overwritten if key.startswith(f"{project}/")])
        keys = Counter(
            run.tags["dagster/run_key"]
            for run in self.instance.get_runs(
                dg.RunsFilter(tags={"video_pipeline/project": project})
            )
            if "dagster/run_key" in run.tags and "dagster/parent_run_id" not in run.tags
        )
        assert all(count == 1 for count in keys.values()), keys
        return (project, put, rejected, states["failed"], states["done"], removed, len(keys), again)

    def _is_removed(self, key: str) -> bool:
        project, video = key.split("/")
        record = self.catalog.project(project).videos.get(video)
        if POLICIES[project] == "delete":
            return record is None
        archived = record is not None and record.archived_at is not None
        return record is not None and archived is (POLICIES[project] == "archive")

    def _contents(self) -> tuple[bool, int]:
        made = {str(r.key): r.sha256 for r in self._records() if self._state(r) == "done"}
        return made == self.content, len(made)

    def _outputs(self) -> tuple[bool, object]:
        pages = self.bucket.s3.get_paginator("list_objects_v2").paginate(Bucket=self.outputs)
        keys = [found["Key"] for page in pages for found in page.get("Contents", ())]
        timelines = {
            "/".join(key.split("/")[1:4:2]) for key in keys if key.endswith("/timeline.json")
        }
        erased = {key for key in self.deleted if POLICIES[key.split("/")[0]] == "delete"}
        return set(self.content) <= timelines and not erased & timelines, len(timelines)

    def _keys(self) -> tuple[bool, object]:
        there = set(self.instance.get_dynamic_partitions(VIDEOS_NAME))
        kept = {key for key in self.deleted if POLICIES[key.split("/")[0]] == "keep"}
        return there & set(self.deleted) == kept and set(self.content) <= there, len(there)


def _object_key(key: str) -> str:
    project, video = key.split("/")
    return f"projects/{project}/videos/{video}/clip.mp4"
