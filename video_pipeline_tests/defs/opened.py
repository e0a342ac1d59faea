"""Stand-ins for what a real deployment of Dagster gives: an opened pipeline, an origin of runs."""

from dataclasses import dataclass

from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from video_pipeline.pipeline.services import Services
from video_pipeline.settings import Settings

LAUNCHED_FROM = RemoteJobOrigin(
    RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("video_pipeline"), "__repository__"),
    "ingest_video",
)
"""Where a run of the job `ingest_video` comes from that a deployment launched."""


@dataclass
class Opened:
    """Services that a fixture opened, in the place of the deployment that a run would open."""

    services: Services
    settings: Settings | None = None

    def renew(self) -> None:
        """Nothing changes here."""

    def close(self) -> None:
        """The fixture closes them."""
