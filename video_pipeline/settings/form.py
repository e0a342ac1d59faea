"""The form of pipeline.yaml: which keys it may hold, and what each means.

Its JSON Schema is made from these models, so the descriptions are what editors show.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from video_pipeline.domain.identity import ProjectId
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.values import Frozen
from video_pipeline.media.reader import MediaLimits
from video_pipeline.pipeline.services import WorkPolicy


class Form(Frozen):
    """Base of every section."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class PlaceForm(Form):
    """A folder, or a bucket."""

    folder: str | None = None
    """A folder; a relative one is looked for beside this file."""
    bucket: str | None = None
    """The name of an S3 bucket."""


class StorageForm(Form):
    """Where objects lie. Without it: folders in the state folder."""

    ingest: PlaceForm = PlaceForm()
    """Where videos arrive. Never written. The variable S3_BUCKET goes before it."""
    outputs: PlaceForm = PlaceForm()
    """Where results are published. The variable S3_OUTPUT_BUCKET goes before it."""


class Reference(Form):
    """A value that an environment variable holds."""

    env: str
    """The name of the variable."""


class CatalogForm(Form):
    """The catalogue in MongoDB. The variable MONGODB_URI goes before `uri`."""

    uri: str | Reference | None = None
    """The server's address; without one, an embedded server in the state folder is used."""
    database: str = Field("video_pipeline", pattern=r"^[A-Za-z0-9_-]{1,63}$")
    """The name of the database."""


class ProviderForm(Form):
    """A plugin with its options, under a name of your own."""

    plugin: str
    """The plugin's name."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """The plugin's options. `{env: NAME}` takes the value of a variable."""


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


class PipelineForm(Form):
    """The configuration of video-pipeline."""

    storage: StorageForm = StorageForm()
    catalog: CatalogForm = CatalogForm(database="video_pipeline")
    providers: dict[str, ProviderForm] = Field(default_factory=dict)
    """Every provider that a phase may choose, each under a name of your own."""
    phases: dict[Phase, PhaseChoiceForm] = Field(default_factory=dict)
    """Who serves which phase, for every project."""
    projects: dict[ProjectId, ProjectForm] = Field(default_factory=dict)
    """What single projects choose otherwise."""
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
