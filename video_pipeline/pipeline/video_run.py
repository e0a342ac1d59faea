"""One run over one video: its names, its content, and its project's catalogue and stores."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.domain.errors import SourceError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.source import VideoRecord
from video_pipeline.pipeline.services import Notify, Services
from video_pipeline.storage.store import ProjectIngest, ProjectOutputs


@dataclass(frozen=True)
class VideoRun:
    """What one run works with for one video. It reaches no other project."""

    key: VideoKey
    catalog: ProjectCatalog
    ingest: ProjectIngest
    outputs: ProjectOutputs
    clock: Callable[[], datetime]
    notify: Notify
    run_id: str = ""
    """Empty for work outside a run."""
    forced_by: str = ""
    """The run that requests and pays for existing results again; empty if none does."""
    content: str = ""
    """The SHA-256 of the source that the run works on; empty until it is known."""

    @classmethod
    def of(cls, services: Services, key: VideoKey, run_id: str = "", forced_by: str = "") -> Self:
        """Return the run, with the parts of the deployment that belong to the video's project."""
        return cls(
            key=key,
            catalog=services.of(key.project),
            ingest=services.ingest.project(key.project),
            outputs=services.outputs.project(key.project),
            clock=services.clock,
            notify=services.notify,
            run_id=run_id,
            forced_by=forced_by,
        )

    def record(self) -> VideoRecord:
        """Return the record of the video. Raises SourceError if it is not registered."""
        found = self.catalog.videos.get(self.key.video)
        if found is None:
            raise unknown(self.key)
        return found

    def postpone(self) -> None:
        """Mark the video as missing. Its run is due again once its source is found."""
        self.catalog.arrivals.postpone(self.record(), self.clock())

    def with_content(self, sha256: str) -> Self:
        """Return the same run, once the content of its source is known."""
        return replace(self, content=sha256)


def unknown(key: VideoKey) -> SourceError:
    """Return the error for a video that is not registered."""
    return SourceError(
        "the catalogue has no such video",
        where=str(key),
        remedy="Put its file into the ingest store and wait for the sensor `arrivals`. Delete its "
        "partition in Dagster if that was added by hand.",
    )
