"""`Settings`: the validated configuration as the rest of the program sees it."""

from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue, SecretStr

import video_pipeline
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.naming.layout import Layout
from video_pipeline.domain.source import Removal
from video_pipeline.domain.values import Frozen
from video_pipeline.media.reader import MediaLimits
from video_pipeline.pipeline.policies import ArrivalPolicy, Choices, Limits, TruthPolicy, WorkPolicy
from video_pipeline.storage.s3.options import S3Options


class Place(Frozen):
    """A store of objects: a bucket if one is named, else a folder."""

    folder: Path
    bucket: str | None = None


class Notifications(Frozen):
    """The queue with the ingest bucket's notifications, and the queue for unreadable ones."""

    queue: str
    dead_letters: str | None = None
    endpoint: str | None = None


class Storage(Frozen):
    """Where videos arrive and where results are published."""

    ingest: Place
    outputs: Place
    notifications: Notifications | None = None
    layout: Layout = Layout()
    """Layout of the keys in the ingest store."""
    s3: S3Options = S3Options.model_validate({})
    """Options of the S3 client, with the variables' values."""
    s3_variables: dict[str, str] = Field(default_factory=dict)
    """Names of the variables with the secrets, by option."""
    scratch_bytes: int = 100 << 30
    """Disk space for local copies of sources."""

    @property
    def has_buckets(self) -> bool:
        """Return whether a store is a bucket."""
        return bool(self.ingest.bucket or self.outputs.bucket)

    @property
    def unset(self) -> tuple[str, ...]:
        """Return the variables that the S3 options name and that are not set."""
        return tuple(v for name, v in self.s3_variables.items() if getattr(self.s3, name) is None)


class CatalogAddress(Frozen):
    """The MongoDB server and database; without a server, the embedded one."""

    uri: SecretStr | None = None
    database: str


class ProviderEntry(Frozen):
    """One entry under `providers:`.

    `options` are as written, with `{"env": NAME}` for variables, and may be shown.
    `values` have the variables' values, and are never shown.
    """

    plugin: str
    options: dict[str, JsonValue] = Field(default_factory=dict)
    values: dict[str, Any] = Field(default_factory=dict, repr=False, exclude=True)
    missing: tuple[str, ...] = ()
    """Variables that are not set. The entry is unavailable while there are any."""
    absent: tuple[str, ...] = ()
    """Libraries of its plugin that are not installed. The same holds for them."""

    @property
    def available(self) -> bool:
        """Return whether all its variables are set and all its libraries installed."""
        return not self.missing and not self.absent


class Settings(Frozen):
    """A validated pipeline.yaml with the environment applied. Paths are absolute."""

    file: Path
    home: Path
    """The state folder: embedded database, Dagster's records, logs, default stores."""
    storage: Storage
    catalog: CatalogAddress
    providers: dict[str, ProviderEntry]
    choices: Choices
    arrivals: ArrivalPolicy
    projects: dict[str, str] = Field(default_factory=dict)
    """Ids of projects with settings of their own, each with the name under which they stand."""
    removals: dict[str, Removal]
    """Projects that differ from `arrivals`."""
    work: WorkPolicy
    limits: Limits
    truth: TruthPolicy = TruthPolicy()
    media: MediaLimits
    webserver: str | None = None
    """Address of Dagster's webserver."""
    models: Path | None = None
    """A folder of model weights, searched first."""

    @property
    def dagster_home(self) -> Path:
        """Return the folder of Dagster's records."""
        return self.home / "dagster"

    @property
    def logs(self) -> Path:
        """Return the folder of the processes' logs."""
        return self.home / "logs"

    @property
    def scratch(self) -> Path:
        """Return the folder of the runs' temporary files."""
        return self.home / "scratch"

    def project_file(self, name: str) -> Path:
        """Return a file such as dagster.yaml: beside pipeline.yaml, else in the checkout.

        Raises ConfigurationError if there is none.
        """
        folders = (self.file.parent, Path(video_pipeline.__file__).parent.parent)
        for folder in folders:
            if (folder / name).is_file():
                return folder / name
        raise ConfigurationError(
            f"there is no {name} in this folder",
            where=str(folders[0]),
            remedy="Copy it there from a checkout of video-pipeline.",
        )
