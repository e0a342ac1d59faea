"""The keys of pipeline.yaml. The docstrings become descriptions in its JSON Schema."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.findings import FindingKind, FindingPolicy
from video_pipeline.domain.source import Removal
from video_pipeline.domain.values import Frozen
from video_pipeline.media.reader import MediaLimits
from video_pipeline.pipeline.policies import ArrivalPolicy, WorkPolicy


class Form(Frozen):
    """Base of every section."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class PlaceForm(Form):
    """A folder, or a bucket."""

    folder: str | None = None
    """A folder. A relative path starts at the folder of this file."""
    bucket: str | None = None
    """The name of an S3 bucket."""


class NotificationsForm(Form):
    """The SQS queue that receives the ingest bucket's notifications."""

    queue: str = Field(pattern=r"^https?://")
    """The queue's URL."""
    dead_letters: str | None = Field(None, pattern=r"^https?://")
    """The URL of a queue for unreadable messages. Each gets an attribute with the reason. Without
    it they stay in the first queue until its redrive policy moves them."""
    endpoint: str | None = None
    """The address of SQS, if it is not AWS's own."""


class Reference(Form):
    """The value of an environment variable."""

    env: str
    """The name of the variable."""


class IngestForm(PlaceForm):
    """The store where videos arrive, the layout of its keys, and its notifications."""

    layout: str = ""
    """A regular expression that matches whole keys, with the groups `project` and `video`."""
    notifications: NotificationsForm | None = None
    """Without notifications, new objects in a bucket are found by sweeps only."""


class S3Form(Form):
    """Access to S3. Omitted options are found as in every AWS tool."""

    endpoint: str | None = None
    """The address of an S3-compatible store. Default: AWS."""
    region: str | None = None
    """The region of the buckets."""
    profile: str | None = None
    """A profile of ~/.aws/config."""
    role: str | None = None
    """The ARN of a role to assume. Its credentials are renewed before they expire."""
    kms_key: str | None = None
    """The KMS key (ARN, id or alias) that encrypts outputs."""
    access_key_id: Reference | None = None
    """The access key, as `{env: NAME}`."""
    secret_access_key: Reference | None = None
    """The secret of the access key, as `{env: NAME}`."""
    session_token: Reference | None = None
    """The token of temporary keys, as `{env: NAME}`."""
    attempts: int = Field(5, ge=1, le=20)
    """Attempts for a request that is throttled or fails in transit."""
    connect_seconds: float = Field(5.0, gt=0)
    """Timeout for connecting."""
    read_seconds: float = Field(60.0, gt=0)
    """Timeout for each read of a response."""


class StorageForm(Form):
    """The stores of objects. Default: folders in the state folder."""

    ingest: IngestForm = IngestForm()
    """The store where videos arrive; it is never written. S3_BUCKET overrides its bucket."""
    outputs: PlaceForm = PlaceForm()
    """The store for results. S3_OUTPUT_BUCKET overrides its bucket."""
    s3: S3Form = S3Form(attempts=5, connect_seconds=5.0, read_seconds=60.0)
    """Access to buckets."""
    scratch_bytes: int = Field(100 << 30, gt=0)
    """Disk space for local copies of sources from buckets, for all runs together."""


class CatalogForm(Form):
    """The catalogue in MongoDB. MONGODB_URI overrides `uri`."""

    uri: str | Reference | None = None
    """The server's address. Default: an embedded server in the state folder."""
    database: str = Field("video_pipeline", pattern=r"^[A-Za-z0-9_-]{1,63}$")
    """The name of the database."""


class LimitsForm(Form):
    """Limits of what is billed in a day."""

    paid_minutes_per_day: float | None = Field(None, ge=0)
    """Minutes of video and audio that may be billed in a day, from 00:00 UTC. Each analysis of a
    video counts. `.inf` for no limit."""


class ProviderForm(Form):
    """A plugin with its options, under a name of your own."""

    plugin: str
    """The plugin's name."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """The plugin's options. `{env: NAME}` stands for the value of a variable."""
    limits: LimitsForm = LimitsForm(paid_minutes_per_day=None)
    """Limits of the provider's account, for all projects together. Default: 600 minutes. If several
    entries share an account, the smallest limit holds."""


class PhaseForm(Form):
    """The providers of a phase."""

    providers: list[str] = Field(default_factory=list)
    """Names of entries under `providers:`, in the order in which they are tried."""
    optional: bool = False
    """Whether the timeline is made without this phase if it fails."""
    language: str | None = Field(None, pattern="^[a-z]{2,3}$")
    """For transcripts: the spoken language as an ISO 639 code. Default: detected."""


def _spelt_out(value: Any) -> Any:
    if isinstance(value, str):
        return {"providers": [value]}
    return {"providers": value} if isinstance(value, list) else value


PhaseChoiceForm = Annotated[
    PhaseForm,
    BeforeValidator(_spelt_out),
    WithJsonSchema(
        {
            "description": "One provider, several in order, or a mapping with more choices.",
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}},
                PhaseForm.model_json_schema(),
            ],
        }
    ),
]


class ProjectForm(Form):
    """The settings of one project that differ from the general ones."""

    phases: dict[Phase, PhaseChoiceForm] = Field(default_factory=dict)
    """The project's own choices. An omitted phase has the general choice."""
    removal: Removal | None = None
    """What to do with its videos whose objects are deleted. Default: `arrivals.removal`."""
    limits: LimitsForm = LimitsForm(paid_minutes_per_day=None)
    """The project's own limits. Default: the general ones."""
    checks: dict[FindingKind, FindingPolicy] = Field(default_factory=dict)
    """The project's own policies for results that contradict the media. Default: the general
    ones."""


class PipelineForm(Form):
    """The configuration of video-pipeline."""

    storage: StorageForm = StorageForm(scratch_bytes=100 << 30)
    catalog: CatalogForm = CatalogForm(database="video_pipeline")
    providers: dict[str, ProviderForm] = Field(default_factory=dict)
    """All providers that a phase may choose, each under a name of your own."""
    phases: dict[Phase, PhaseChoiceForm] = Field(default_factory=dict)
    """The providers of each phase, for every project."""
    projects: dict[str, ProjectForm] = Field(default_factory=dict)
    """Settings of single projects that differ from the general ones. Each stands under the
    project's id, or under the exact name of its folder."""
    arrivals: ArrivalPolicy = ArrivalPolicy()
    """How arrivals are found, and what to do with videos whose objects are deleted."""
    limits: LimitsForm = LimitsForm(paid_minutes_per_day=None)
    """Limits of each project. Default: 60 minutes."""
    checks: dict[FindingKind, FindingPolicy] = Field(default_factory=dict)
    """What follows where a result contradicts the media: publish it and `warn`, ask the `next`
    provider, or `fail` the phase."""
    signals: Literal["when-decoded", "always"] = "when-decoded"
    """Whether results are compared with picture and sound only if a run has decoded them, or
    always. A video that is analysed only remotely is then read and decoded for it."""
    work: WorkPolicy = WorkPolicy()
    """Retries, leases and workers."""
    media: MediaLimits = MediaLimits()
    """Limits of the process that decodes one video."""
    webserver: str | Reference | None = None
    """The address of Dagster's webserver, which launches backfills. VIDEO_PIPELINE_WEBSERVER
    overrides it."""
    home: str | None = None
    """The state folder. Default: `.video-pipeline` beside this file. VIDEO_PIPELINE_HOME overrides
    it."""
    models: str | None = None
    """A folder of model weights. VIDEO_PIPELINE_MODELS overrides it."""
