"""The form of pipeline.yaml: which keys it may hold, and what each means.

Its JSON Schema is made from these models, so the descriptions are what editors show.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from video_pipeline.domain.naming.identity import ProjectId
from video_pipeline.domain.phases import Phase
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
    """A folder; a relative one is looked for beside this file."""
    bucket: str | None = None
    """The name of an S3 bucket."""


class NotificationsForm(Form):
    """The SQS queue in which the ingest bucket tells of its objects."""

    queue: str = Field(pattern=r"^https?://")
    """The queue's URL."""
    dead_letters: str | None = Field(None, pattern=r"^https?://")
    """The URL of the queue for messages that nobody can read; each gets the reason as an
    attribute. Without it they stay until the first queue's own rules move them."""
    endpoint: str | None = None
    """Where SQS is, if not where AWS has it."""


class Reference(Form):
    """A value that an environment variable holds."""

    env: str
    """The name of the variable."""


class IngestForm(PlaceForm):
    """Where videos arrive, how it is laid out, and how one hears of arrivals."""

    layout: str = ""
    """A regular expression for whole keys, with the named groups `project` and `video`."""
    notifications: NotificationsForm | None = None
    """Without them, what arrives in a bucket is found by sweeps only."""


class S3Form(Form):
    """How S3 is reached. What is left out is found as every AWS tool finds it."""

    endpoint: str | None = None
    """The address of a store that speaks S3; without one, AWS's own."""
    region: str | None = None
    """The region of the buckets."""
    profile: str | None = None
    """A profile of ~/.aws/config."""
    role: str | None = None
    """The ARN of a role to assume; its credentials are renewed before they expire."""
    kms_key: str | None = None
    """The KMS key (ARN, id or alias) with which outputs are encrypted."""
    access_key_id: Reference | None = None
    """An access key, as `{env: NAME}`."""
    secret_access_key: Reference | None = None
    """Its secret, as `{env: NAME}`."""
    session_token: Reference | None = None
    """Its token, as `{env: NAME}`."""
    attempts: int = Field(5, ge=1, le=20)
    """How often a request is made that is throttled or breaks."""
    connect_seconds: float = Field(5.0, gt=0)
    """How long a connection may take."""
    read_seconds: float = Field(60.0, gt=0)
    """How long an answer may stay silent."""


class StorageForm(Form):
    """Where objects lie. Without it: folders in the state folder."""

    ingest: IngestForm = IngestForm()
    """Where videos arrive. Never written. The variable S3_BUCKET goes before it."""
    outputs: PlaceForm = PlaceForm()
    """Where results are published. The variable S3_OUTPUT_BUCKET goes before it."""
    s3: S3Form = S3Form(attempts=5, connect_seconds=5.0, read_seconds=60.0)
    """How buckets are reached."""
    scratch_bytes: int = Field(100 << 30, gt=0)
    """How much copies of sources in buckets may take on this machine, all runs together."""


class CatalogForm(Form):
    """The catalogue in MongoDB. The variable MONGODB_URI goes before `uri`."""

    uri: str | Reference | None = None
    """The server's address; without one, an embedded server in the state folder is used."""
    database: str = Field("video_pipeline", pattern=r"^[A-Za-z0-9_-]{1,63}$")
    """The name of the database."""


class LimitsForm(Form):
    """What a day may cost."""

    paid_minutes_per_day: float | None = Field(None, ge=0)
    """How many minutes of video and audio may be billed in a day, from 00:00 UTC on. A video counts
    as often as it is analysed. `.inf` for no limit."""


class ProviderForm(Form):
    """A plugin with its options, under a name of your own."""

    plugin: str
    """The plugin's name."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """The plugin's options. `{env: NAME}` takes the value of a variable."""
    limits: LimitsForm = LimitsForm(paid_minutes_per_day=None)
    """Of its account, all projects together: 600 paid minutes without it; of several entries of one
    account the smallest."""


class PhaseForm(Form):
    """Who serves a phase."""

    providers: list[str] = Field(default_factory=list)
    """Names of entries under `providers:`, in the order in which they are asked."""
    optional: bool = False
    """Whether the timeline is made without this phase when it fails."""
    language: str | None = Field(None, pattern="^[a-z]{2,3}$")
    """For transcripts: the language spoken, as an ISO 639 code; without it, it is detected."""


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
    """What one project chooses otherwise."""

    phases: dict[Phase, PhaseChoiceForm] = Field(default_factory=dict)
    """Its own choices; a phase that is left out is chosen as for everyone."""
    removal: Removal | None = None
    """What becomes of its videos whose objects are gone; `arrivals.removal` without it."""
    limits: LimitsForm = LimitsForm(paid_minutes_per_day=None)
    """Its own limits; those of everyone without them."""


class PipelineForm(Form):
    """The configuration of video-pipeline."""

    storage: StorageForm = StorageForm(scratch_bytes=100 << 30)
    catalog: CatalogForm = CatalogForm(database="video_pipeline")
    providers: dict[str, ProviderForm] = Field(default_factory=dict)
    """Every provider that a phase may choose, each under a name of your own."""
    phases: dict[Phase, PhaseChoiceForm] = Field(default_factory=dict)
    """Who serves which phase, for every project."""
    projects: dict[ProjectId, ProjectForm] = Field(default_factory=dict)
    """What single projects choose otherwise."""
    arrivals: ArrivalPolicy = ArrivalPolicy()
    """How arrivals are found, and what becomes of videos whose objects are gone."""
    limits: LimitsForm = LimitsForm(paid_minutes_per_day=None)
    """Of each project: 60 paid minutes without it."""
    work: WorkPolicy = WorkPolicy()
    """How the work is driven."""
    media: MediaLimits = MediaLimits()
    """What the process that decodes one video may use."""
    webserver: str | Reference | None = None
    """The address of Dagster's webserver, which backfills are launched by. The variable
    VIDEO_PIPELINE_WEBSERVER goes before it."""
    home: str | None = None
    """The state folder; `.video-pipeline` beside this file. VIDEO_PIPELINE_HOME goes before it."""
    models: str | None = None
    """A folder of model weights. The variable VIDEO_PIPELINE_MODELS goes before it."""
