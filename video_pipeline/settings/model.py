"""What the rest of the program sees of its configuration. Reading and checking lie beside it."""

from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue, SecretStr

import video_pipeline
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.naming.layout import Layout
from video_pipeline.domain.source import Removal
from video_pipeline.domain.values import Frozen
from video_pipeline.media.reader import MediaLimits
from video_pipeline.pipeline.policies import ArrivalPolicy, Choices, Limits, WorkPolicy
from video_pipeline.storage.s3.options import S3Options


class Place(Frozen):
    """Where objects lie: a folder or, where one is named, a bucket."""

    folder: Path
    bucket: str | None = None


class Notifications(Frozen):
    """The queue in which the ingest bucket tells of its objects, and the one for dead letters."""

    queue: str
    dead_letters: str | None = None
    endpoint: str | None = None


class Storage(Frozen):
    """Where videos arrive and where results are published."""

    ingest: Place
    outputs: Place
    notifications: Notifications | None = None
    layout: Layout = Layout()
    """Of the ingest store."""
    s3: S3Options = S3Options.model_validate({})
    """How buckets are reached, with the variables' values."""
    s3_variables: dict[str, str] = Field(default_factory=dict)
    """The variables that hold secret ones, by the option's name."""
    scratch_bytes: int = 100 << 30
    """How much copies of sources in buckets may take on this machine."""

    @property
    def has_buckets(self) -> bool:
        """Whether S3 is used at all."""
        return bool(self.ingest.bucket or self.outputs.bucket)

    @property
    def unset(self) -> tuple[str, ...]:
        """The variables that are named for S3 and not set."""
        return tuple(v for name, v in self.s3_variables.items() if getattr(self.s3, name) is None)


class CatalogAddress(Frozen):
    """The MongoDB server and database; without a server, the embedded one."""

    uri: SecretStr | None = None
    database: str


class ProviderEntry(Frozen):
    """One entry under `providers:`.

    `options` are as written, with `{"env": NAME}` where a variable is named: fit to be shown.
    `values` are the same with the variables' values: never shown.
    """

    plugin: str
    options: dict[str, JsonValue] = Field(default_factory=dict)
    values: dict[str, Any] = Field(default_factory=dict, repr=False, exclude=True)
    missing: tuple[str, ...] = ()
    """Variables that are not set. The entry is unavailable while there are any."""
    absent: tuple[str, ...] = ()
    """Libraries of its plugin that are not installed: as for variables."""

    @property
    def available(self) -> bool:
        """Whether every variable it names is set, and every library of its plugin installed."""
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
    removals: dict[str, Removal]
    """By project, where one decides otherwise than `arrivals`."""
    work: WorkPolicy
    limits: Limits
    media: MediaLimits
    webserver: str | None = None
    """Where Dagster's webserver is."""
    models: Path | None = None
    """A folder of model weights that goes before every other source."""

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps its records."""
        return self.home / "dagster"

    @property
    def logs(self) -> Path:
        """Where the processes write their logs."""
        return self.home / "logs"

    @property
    def scratch(self) -> Path:
        """Where runs keep files of their own."""
        return self.home / "scratch"

    def project_file(self, name: str) -> Path:
        """dagster.yaml or workspace.yaml: beside pipeline.yaml, else the checkout's own. Raises
        ConfigurationError."""
        folders = (self.file.parent, Path(video_pipeline.__file__).parent.parent)
        for folder in folders:
            if (folder / name).is_file():
                return folder / name
        raise ConfigurationError(
            f"there is no {name}",
            where=str(folders[0]),
            remedy="Copy it there from a checkout of video-pipeline.",
        )
