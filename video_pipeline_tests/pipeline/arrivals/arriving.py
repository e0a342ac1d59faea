"""A folder in which videos arrive, with rounds as the sensor makes them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.source import VideoRecord
from video_pipeline.pipeline.arrivals.look import Looks
from video_pipeline.pipeline.arrivals.round import Memory, Round, receive
from video_pipeline.pipeline.policies import ArrivalPolicy
from video_pipeline.pipeline.services import Services
from video_pipeline.storage.local.folder import FolderIngest
from video_pipeline.storage.store import IngestStore

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class WholeFolder(FolderIngest):
    """A folder whose files appear whole, as in a bucket."""

    appears_whole = True


class Arrivals:
    """A folder in which videos arrive, and rounds that share their memory."""

    def __init__(self, root: Path, services: Services) -> None:
        self.root, self.services, self.now, self.memory = root, services, NOW, Memory()
        self.with_policy()

    @property
    def catalog(self) -> Catalog:
        return self.services.catalog

    @property
    def ingest(self) -> IngestStore:
        return self.services.ingest

    def put(self, key: str, content: bytes = b"media") -> None:
        (self.root / key).parent.mkdir(parents=True, exist_ok=True)
        (self.root / key).write_bytes(content)

    def remove(self, key: str) -> None:
        (self.root / key).unlink()

    def round(self) -> Looks:
        """Make a round that must have no troubles."""
        found = self.any_round()
        assert not found.troubles
        return found.looks

    def any_round(self) -> Round:
        """Make a round, and keep its memory."""
        self.now += timedelta(seconds=30)
        found = receive(self.services, self.memory, self.now)
        self.memory = Memory(position=found.position, pending=found.looks.pending)
        return found

    def with_policy(self, **policy: Any) -> None:
        """Set the policy for later rounds, with `missing_seconds` of 0."""
        chosen = ArrivalPolicy(**{"missing_seconds": 0, **policy})
        self.services = replace(self.services, arrivals=chosen)

    def settle(self) -> Looks:
        """Make two rounds without a change between them."""
        self.round()
        return self.round()

    def reasons(self, project: str = "acme") -> dict[str, str]:
        """Return the recorded rejections, without the path of the project."""
        rejections = self.catalog.project(project).videos.rejections()
        return {one.object_key.split("/", 2)[2]: one.reason for one in rejections}

    def record(self, key: str) -> VideoRecord | None:
        """Return the record of a video."""
        project, video = key.split("/")
        return self.catalog.project(project).videos.get(video)
