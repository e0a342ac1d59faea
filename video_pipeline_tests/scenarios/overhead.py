"""Compare the CPU time of a Dagster run of ten minutes of 720p with the bare library calls.

The bare process decodes once, detects shots, takes a picture a second and transcribes with the same
libraries and settings. The other side is a whole Dagster run in a fresh process, and includes the
CPU time of the decoding child, the stores and MongoDB. The speed of a machine drifts, so both run
in pairs in alternating order after a warm-up. The scenario holds if the median ratio is at most
1.05.
"""

import shutil
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.connection import connect
from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.arrivals.look import register_now
from video_pipeline.samples import drawn
from video_pipeline.storage.local.folder import FolderIngest
from video_pipeline_tests.overhead.measured import Run, measured, server_seconds
from video_pipeline_tests.overhead.one_video import CONFIGURATION
from video_pipeline_tests.overhead.reel import make_reel
from video_pipeline_tests.scenarios.support.deployment import print_table, temporary_deployment

SECONDS = 600
PAIRS = 3
MOST_PERCENT = 5.0
_DATABASE = "video_pipeline"


def run() -> int:
    """0 where the overhead is at most the bound and both sides found the same."""
    with temporary_deployment() as (folder, uri):
        reel = make_reel(folder / "reel.mp4", SECONDS)
        catalog = connect(uri, _DATABASE)
        bench = _Bench(folder, uri, catalog)
        bench.pair(drawn()[1], 0)
        pairs = [bench.pair(reel, number) for number in range(1, PAIRS + 1)]
        found = _found(catalog)
        catalog.close()
    ratios = [road.cpu / bare.cpu for bare, road in pairs]
    overhead = 100 * (statistics.median(ratios) - 1)
    rows = [row for pair, ratio in zip(pairs, ratios, strict=True) for row in _rows(pair, ratio)]
    print_table(f"{SECONDS} s of 720p", ("", "CPU s", "wall s", "ratio", "found"), rows)
    print(
        f"overhead {overhead:+.1f} % of CPU-seconds, at most {MOST_PERCENT:+.0f} %; found: {found}"
    )
    bare, road = pairs[0]
    same = found["shots"] == bare.answer["shots"]
    alike = abs(found["words"] - bare.answer["words"]) <= bare.answer["words"] // 50
    return 0 if overhead <= MOST_PERCENT and same and alike and road.answer["success"] else 1


@dataclass(frozen=True)
class _Bench:
    """Where both sides run."""

    folder: Path
    uri: str
    catalog: Catalog

    def pair(self, video: Path, number: int) -> tuple[Run, Run]:
        """Bare calls and road, one right after the other, the road first in every other pair."""
        if number % 2:
            bare = self._bare(video)
            return bare, self._road(video, number)
        road = self._road(video, number)
        return self._bare(video), road

    def _bare(self, video: Path) -> Run:
        return measured(["-m", "video_pipeline_tests.overhead.bare", str(video)], {})

    def _road(self, video: Path, number: int) -> Run:
        """A new video each time: a re-run would find everything there."""
        home, name = self.folder / "home", f"projects/acme/videos/reel-{number}/reel.mp4"
        ingest, dagster = home / "ingest", self.folder / "dagster"
        (ingest / name).parent.mkdir(parents=True)
        dagster.mkdir(exist_ok=True)
        shutil.copy(video, ingest / name)
        (self.folder / "pipeline.yaml").write_text(CONFIGURATION)
        register_now(FolderIngest(ingest), self.catalog, name, datetime.now(UTC))
        before = server_seconds(self.uri)
        ran = measured(
            ["-m", "video_pipeline_tests.overhead.ingest_video", f"acme/reel-{number}"],
            {
                "DAGSTER_HOME": str(dagster),
                "MONGODB_URI": self.uri,
                "VIDEO_PIPELINE_CONFIG": str(self.folder / "pipeline.yaml"),
                "VIDEO_PIPELINE_HOME": str(home),
            },
        )
        return Run(ran.cpu + server_seconds(self.uri) - before, ran.wall, ran.answer)


def _rows(pair: tuple[Run, Run], ratio: float) -> list[tuple[object, ...]]:
    bare, road = pair
    return [
        ("bare calls", f"{bare.cpu:.1f}", f"{bare.wall:.1f}", "", bare.answer),
        ("road", f"{road.cpu:.1f}", f"{road.wall:.1f}", f"{ratio:.3f}", road.answer),
    ]


def _found(catalog: Catalog) -> dict[str, int]:
    results = catalog.project("acme").results
    counts: dict[str, int] = {}
    for phase in (Phase.SHOTS, Phase.PICTURES, Phase.TRANSCRIPT):
        result = results.get("reel-1", phase)
        counts |= result.counts if result else {}
    return {"shots": counts["shot"], "pictures": counts["pictures"], "words": counts["words"]}
