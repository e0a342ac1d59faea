"""Find exactly the changed objects among 100,000 by sweeping, in bounded ticks.

The bucket is moto's; the catalogue is a real MongoDB that knows all but a thousand of the objects.
Without notifications, objects are added, overwritten, deleted and renamed, and junk appears.
"""

import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from video_pipeline.aws.versions import content_version
from video_pipeline.catalog.connection import connect
from video_pipeline.domain.source import Due
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.pipeline.arrivals.round import Memory, receive
from video_pipeline.pipeline.policies import ArrivalPolicy, Choices
from video_pipeline.pipeline.services import Services
from video_pipeline.storage.local.folder import FolderOutputs
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline_tests.scenarios.support.deployment import print_table, temporary_deployment
from video_pipeline_tests.scenarios.support.known_videos import record_known
from video_pipeline_tests.servers.s3_servers import full_moto

OBJECTS, NEW_EVERY = 100_000, 100
PROJECTS = ("acme", "globex", "initech")
_BUCKET, _DATABASE = "many-videos", "video_pipeline"
_VERSION = content_version(hashlib.md5(b"x").hexdigest(), 1)
_THEN = datetime(2026, 1, 1, tzinfo=UTC)
# Ticks in which a whole sweep must be over.
_LONGEST_SWEEP = 100


def run(objects: int = OBJECTS) -> int:
    """Run it, and return 0 if every claim holds."""
    keys = [_key(number, objects) for number in range(objects)]
    known = (key for number, key in enumerate(keys) if number % NEW_EVERY)
    with temporary_deployment() as (folder, uri), full_moto(folder, _BUCKET, keys) as server:
        client = server.clients().client("s3")
        record_known(uri, _DATABASE, known, _VERSION, 1, _THEN)
        catalog = connect(uri, _DATABASE)
        services = Services(
            catalog=catalog,
            ingest=S3Ingest(client, _BUCKET),
            outputs=FolderOutputs(folder / "outputs"),
            media=ChildMediaReader(),
            plugins={},
            choices=Choices(),
            scratch=folder,
            arrivals=ArrivalPolicy(pause_seconds=0, missing_seconds=0),
        )
        stage = _Stage(services, client, keys)
        stage.first()
        stage.changed()
        catalog.close()
        return stage.verdict()


def _key(number: int, objects: int) -> str:
    each = -(-objects // len(PROJECTS))
    project, video = divmod(number, each)
    return f"projects/{PROJECTS[project]}/videos/v{video:06}/a.mp4"


@dataclass
class _Sweep:
    """What a whole sweep found, and what it took."""

    ticks: list[float] = field(default_factory=list)
    keys: int = 0
    arrived: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    megabytes: float = 0


class _Stage:
    """The bucket, the sweeps over it, and what was claimed."""

    def __init__(self, services: Services, client: Any, keys: list[str]) -> None:
        self._services, self._client, self._keys = services, client, keys
        self._memory, self._now = Memory(), _THEN
        self._sweeps: list[tuple[str, _Sweep]] = []
        self._claims: list[tuple[str, bool, object]] = []

    def first(self) -> None:
        """One sweep finds the thousand that nobody knew."""
        found = self._sweep("a thousand new")
        new = {_video(key) for key in self._keys[::NEW_EVERY]}
        self._claim("the new are found, and nothing else", found.arrived == new, len(found.arrived))
        quiet = not found.removed and not found.rejected
        self._claim("nothing is removed or rejected", quiet, len(found.removed))

    def changed(self) -> None:
        """Everything that an owner does, spread over the tenants."""
        overwritten, deleted, renamed = (self._keys[start::2000] for start in (1, 2, 3))
        added = [f"projects/{p}/videos/late-{n}/a.mp4" for p in PROJECTS for n in range(5)]
        junk = [f"projects/{p}/junk-{n}.mp4" for p in PROJECTS for n in range(3)]
        for key in (*overwritten, *added, *junk):
            self._client.put_object(Bucket=_BUCKET, Key=key, Body=b"other bytes")
        for key in deleted:
            self._client.delete_object(Bucket=_BUCKET, Key=key)
        for key in renamed:
            self._client.put_object(Bucket=_BUCKET, Key=_renamed(key), Body=b"x")
            self._client.delete_object(Bucket=_BUCKET, Key=key)
        found = self._sweep("after the changes")
        expected = {_video(key) for key in (*overwritten, *added, *map(_renamed, renamed))}
        self._claim(
            "overwritten, new and renamed arrive", found.arrived == expected, len(found.arrived)
        )
        self._claim("the junk is rejected", found.rejected == set(junk), len(found.rejected))
        self._claim("nothing is removed after one sweep", not found.removed, len(found.removed))
        gone = {_video(key) for key in (*deleted, *renamed)}
        found = self._sweep("and once more")
        self._claim(
            "after another, deleted and renamed are", found.removed == gone, len(found.removed)
        )
        self._claim("nothing arrives twice", not found.arrived, len(found.arrived))
        due = sum(self._services.of(p).arrivals.count_due(Due.RUN) for p in PROJECTS)
        runs = len(self._keys[::NEW_EVERY]) + len(expected)
        self._claim("a run is due for each arrival", due == runs, due)

    def verdict(self) -> int:
        """Print what it took and the claims; 0 if all hold."""
        rows = [
            (
                name,
                s.keys,
                len(s.ticks),
                f"{max(s.ticks):.2f}",
                f"{sum(s.ticks):.1f}",
                len(s.arrived),
                len(s.removed),
                len(s.rejected),
                f"{s.megabytes:.0f}",
            )
            for name, s in self._sweeps
        ]
        titles = ("keys", "ticks", "longest, s", "all, s", "arrived", "removed", "rejected")
        print_table("Sweeps", ["", *titles, "memory grew by, MB"], rows)
        shown = [(what, "yes" if holds else "NO", seen) for what, holds, seen in self._claims]
        print_table("Claims", ["claim", "holds", "seen"], shown)
        return 0 if all(holds for _, holds, _ in self._claims) else 1

    def _sweep(self, name: str) -> _Sweep:
        """Tick after tick until one sweep is over."""
        told, before = _Sweep(), _megabytes()
        most = self._services.arrivals.keys_a_tick
        while not told.ticks or self._memory.position.began is not None:
            assert len(told.ticks) < _LONGEST_SWEEP, "the sweep does not come to an end"
            began, self._now = time.perf_counter(), self._now + timedelta(seconds=30)
            found = receive(self._services, self._memory, self._now)
            assert not found.troubles, found.troubles
            self._memory = Memory(position=found.position, pending=found.looks.pending)
            told.ticks.append(time.perf_counter() - began)
            told.keys = found.position.keys
            told.arrived |= set(map(str, found.looks.arrived))
            told.removed |= set(map(str, found.looks.removed))
            told.rejected |= found.looks.rejected.keys()
        told.megabytes = _megabytes() - before
        self._sweeps.append((name, told))
        self._claim(
            f"{name}: no tick lists more than it may",
            told.keys <= most * len(told.ticks),
            f"{told.keys} in {len(told.ticks)} ticks",
        )
        return told

    def _claim(self, what: str, holds: bool, seen: object) -> None:
        self._claims.append((what, holds, seen))


def _video(key: str) -> str:
    return "/".join(key.split("/")[1:4:2])


def _renamed(key: str) -> str:
    return key.replace("/videos/v", "/videos/renamed-v")


def _megabytes() -> float:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line) / 1024
