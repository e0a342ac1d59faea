"""Restore backups of different ages: nothing is paid twice, and what may be paid is listed.

MongoDB, the outputs and Dagster's home are each restored from nothing, from a backup before the
last step, or from the newest state, in all 27 combinations. The providers keep their books. Of each
provider, one video was only submitted in the last step, one was settled and one was forced. Then
the sensors run until nothing is left to do, and an operator backfills what is missing. Each video
must end done or in doubt. Only a provider without tokens may bill again, and only if neither
MongoDB nor the outputs have a trace of the request.
"""

import itertools
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from video_pipeline.definitions import build_defs
from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.usage import Meter, MeterSpec
from video_pipeline.domain.work import UnitFilter, UnitState
from video_pipeline.pipeline.jobs.queries import list_units
from video_pipeline.pipeline.policies import ArrivalPolicy
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.settings import load_settings
from video_pipeline_tests.defs.opened import Opened
from video_pipeline_tests.doubles.backups import NOTHING, Documents, copy_folder, dumped, load
from video_pipeline_tests.doubles.delivery import encode
from video_pipeline_tests.doubles.job_plugin import VendorOptions, VendorShots
from video_pipeline_tests.doubles.killed_run import Deployment, services
from video_pipeline_tests.doubles.vendor import Vendor
from video_pipeline_tests.scenarios.support.deployment import print_table, temporary_deployment
from video_pipeline_tests.scenarios.support.small_dagster import SmallDagster

REPLAYS = ("free", "token", "unsafe")
SUBMITTED, SETTLED, FORCED = KEYS = ("acme/submitted", "acme/settled", "globex/forced")
# What a run makes: shots, and what they need.
_ASSETS = tuple(map(asset_key, (Phase.SOURCE_VIDEO, Phase.MEDIA_INFO, Phase.SHOTS)))
# Ticks in a row without a run after which nothing is left to do: an arrival is looked at twice.
_QUIET_TICKS, _MOST_TICKS = 3, 60


class Age(StrEnum):
    """The age of a backup."""

    NONE = "none"
    OLD = "old"
    NEW = "new"


Ages = tuple[Age, Age, Age]
COMBINATIONS: tuple[Ages, ...] = tuple(itertools.product(Age, Age, Age))
# The backups of MongoDB and of the outputs that have a trace of the video's request.
_TRACED_SINCE = {SUBMITTED: (Age.NEW,), SETTLED: (Age.OLD, Age.NEW), FORCED: (Age.OLD, Age.NEW)}


class QuickShots(VendorShots):
    """The vendor's shots, polled at once."""

    poll_seconds = 0.05


class FreeShots(QuickShots):
    """The same at no cost."""

    def capabilities(self) -> Capabilities:
        meter = MeterSpec(meter=Meter.VIDEO_SECONDS, paid=False)
        return super().capabilities().model_copy(update={"replay": "free", "meter": meter})


@dataclass(frozen=True)
class Seen:
    """What became of one video."""

    state: str
    requests: int
    billed_again: int
    traced: bool
    """Whether MongoDB or the outputs have a trace of its request."""


@dataclass(frozen=True)
class Row:
    """What became of the videos of one provider in one combination."""

    replay: str
    ages: Ages
    videos: Mapping[str, Seen]
    backfilled: int
    left: int
    """Runs that have not ended."""

    @property
    def holds(self) -> bool:
        return not self.left and all(self._holds(seen) for seen in self.videos.values())

    def _holds(self, seen: Seen) -> bool:
        allowed = int(self.replay == "unsafe" and not seen.traced)
        return seen.state in ("done", "in doubt") and seen.billed_again <= allowed

    def shown(self) -> tuple[object, ...]:
        seen = self.videos.values()
        states = (one.state if one.traced else f"({one.state})" for one in seen)
        billed = sum(one.billed_again for one in seen)
        doubts = sum(one.state == "in doubt" for one in seen)
        requests = sum(one.requests for one in seen)
        counts = (requests, billed, doubts, self.backfilled, self.left)
        return (*self.ages, self.replay, *states, *counts, "yes" if self.holds else "NO")


def run() -> int:
    """Return 0 if every combination ended as required."""
    began = time.monotonic()
    with temporary_deployment() as (folder, uri):
        encode(folder / "video.mp4")
        # One process a provider: Dagster's processes would share their locks.
        with ProcessPoolExecutor(len(REPLAYS), get_context("spawn")) as pool:
            worlds = [pool.submit(_rows, folder, uri, replay) for replay in REPLAYS]
            rows = [row for world in worlds for row in world.result()]
    rows.sort(key=lambda row: row.ages)
    columns = ["mongodb", "outputs", "dagster", "repeating", "submitted", "settled", "forced"]
    columns += ["requests", "billed", "in doubt", "backfills", "runs left", "holds"]
    title = "Since the restore. In brackets: no trace of the request was restored"
    print_table(title, columns, [row.shown() for row in rows])
    again = sum(seen.billed_again for row in rows for seen in row.videos.values())
    print(f"{len(rows)} rows in {time.monotonic() - began:.0f} s, {again} requests billed again")
    return 0 if all(row.holds for row in rows) else 1


def _rows(folder: Path, uri: str, replay: str) -> list[Row]:
    """Make the backups for one provider, and restore them in all combinations."""
    with Vendor() as vendor, MongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        world = _World(folder / replay, folder / "video.mp4", uri, replay, vendor, client)
        try:
            world.make_backups()
            return [world.restored(ages) for ages in COMBINATIONS]
        finally:
            world.close()


class _World:
    """One provider, its videos and the deployment that serves them."""

    def __init__(
        self,
        folder: Path,
        video: Path,
        uri: str,
        replay: str,
        vendor: Vendor,
        client: MongoClient[dict[str, Any]],
    ) -> None:
        folder.mkdir()
        self._folder, self._video, self._replay, self._vendor = folder, video, replay, vendor
        self._home, self._outputs = folder / "home", folder / "outputs"
        for empty in (self._home, self._outputs):
            empty.mkdir()
        self._services = _services(folder, uri, replay, vendor)
        self._database = client[f"restore-{replay}"]
        file = folder / "pipeline.yaml"
        file.write_text("providers: {}\n")
        settings = load_settings(file, {})
        self._opened = Opened(self._services, settings)
        self._definitions = build_defs(settings, {"pipeline": self._opened})
        self._documents: dict[Age, Documents] = {Age.NONE: NOTHING}
        self._books: Any = None
        self._billed: dict[str, int] = {}

    def close(self) -> None:
        self._services.catalog.close()

    def make_backups(self) -> None:
        """Play the deployment's life, with a backup before the last step and one after it."""
        self._deliver(SETTLED, FORCED)
        with self._dagster() as dagster:
            self._tick(dagster, FORCED)
        self._back_up(Age.OLD)
        self._deliver(SUBMITTED)
        with self._dagster() as dagster:
            config = {"ops": {"analysis": {"config": {"force": True}}}}
            dagster.queue(FORCED, config=config)
            self._tick(dagster, SETTLED, FORCED)
        self._back_up(Age.NEW)
        states = {key: self._units(key) for key in KEYS}
        made = [UnitState.RUNNING], [UnitState.SETTLED], [UnitState.SETTLED] * 2
        assert states == dict(zip(KEYS, made, strict=True)), states
        self._books, self._billed = self._vendor.books(), dict(self._vendor.billed)

    def restored(self, ages: Ages) -> Row:
        """Restore a backup of each, continue until nothing is left to do, and look."""
        mongodb, outputs, home = ages
        load(self._database, self._documents[mongodb])
        copy_folder(self._backup(outputs, "outputs"), self._outputs)
        copy_folder(self._backup(home, "home"), self._home)
        self._vendor.reset(self._books)
        with self._dagster() as dagster:
            self._tick(dagster, *KEYS)
            missing = [key for key in KEYS if self._state(key) not in ("done", "in doubt")]
            for key in missing:
                dagster.queue(key)
            self._tick(dagster, *KEYS)
            left = dagster.unfinished()
        seen = {key: self._seen(key, mongodb, outputs) for key in KEYS}
        return Row(self._replay, ages, seen, len(missing), left)

    def _seen(self, key: str, mongodb: Age, outputs: Age) -> Seen:
        billed = self._vendor.billed[key] - self._billed[key]
        before = self._books[3][key]
        return Seen(
            state=self._state(key),
            requests=self._vendor.submissions[key] - before,
            billed_again=0 if self._replay == "free" else billed,
            traced={mongodb, outputs}.intersection(_TRACED_SINCE[key]) != set(),
        )

    def _state(self, key: str) -> str:
        """Return `done`, `in doubt` if that is listed, or the state of the phase."""
        video = VideoKey.parse(key)
        if video.project not in self._services.catalog.projects():
            return "unknown"
        status = self._services.of(video.project).results.statuses(video.video).get(Phase.SHOTS)
        if status is not None and status.state is PhaseState.DONE:
            return "done"
        wanted = UnitFilter(states=frozenset({UnitState.IN_DOUBT}), video=video.video)
        if list_units(self._services.catalog, wanted, video.project).units:
            return "in doubt"
        return "missing" if status is None else f"{status.state}: {status.message}"

    def _units(self, key: str) -> Sequence[UnitState]:
        video = VideoKey.parse(key)
        found = self._services.of(video.project).units.of_video(video.video)
        return [unit.state for unit in found]

    def _deliver(self, *keys: str) -> None:
        for key in keys:
            target = self._folder / "ingest" / VideoKey.parse(key).prefix / "video.mp4"
            target.parent.mkdir(parents=True)
            target.write_bytes(self._video.read_bytes())

    def _dagster(self) -> SmallDagster:
        return SmallDagster(self._home, self._definitions, self._opened, _ASSETS)

    def _tick(self, dagster: SmallDagster, *finished: str) -> None:
        """Tick until nothing is left to do. The provider ends the jobs of these videos."""
        quiet = 0
        for _ in range(_MOST_TICKS):
            quiet = 0 if dagster.tick() else quiet + 1
            if quiet == _QUIET_TICKS:
                return
            for key in finished:
                self._vendor.finish(key)
            time.sleep(QuickShots.poll_seconds)
        raise AssertionError(f"runs are still executed after {_MOST_TICKS} ticks")

    def _back_up(self, age: Age) -> None:
        self._documents[age] = dumped(self._database)
        copy_folder(self._outputs, self._folder / f"{age}-outputs")
        copy_folder(self._home, self._folder / f"{age}-home")

    def _backup(self, age: Age, what: str) -> Path | None:
        return None if age is Age.NONE else self._folder / f"{age}-{what}"


def _services(folder: Path, uri: str, replay: str, vendor: Vendor) -> Services:
    """Return the services of a deployment with one provider."""
    token = replay == "token"
    made = services(Deployment(uri, f"restore-{replay}", folder, vendor.url, token))
    options = VendorOptions(url=vendor.url, token=token)
    shots = FreeShots(options) if replay == "free" else QuickShots(options)
    arrivals = ArrivalPolicy(pause_seconds=0)
    return replace(made, plugins={"vendor": shots}, arrivals=arrivals)
