"""The bases of plugins: options, planning, metering, and how they run.

A plugin runs as a stream (`Streams`), a call (`Calls`) or a job (`Jobs`). It returns raw pages,
which are stored verbatim before they are normalised.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.usage import Meter, Usage
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import UnitFailure, WorkRequest, WorkUnit
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.inputs import FrameBatch, Inputs, Object

# Called with 0 to 1 as work goes on. It raises when the work must stop: do not catch that.
Progress = Callable[[float], None]


class PluginOptions(BaseModel):
    """Base of every plugin's options.

    Defaults are validated like given values, so that the same choice has the same hash: a default
    of 50 becomes 50.0 where the field is a float. An option added to a plugin in use must be left
    out of that hash at its default, by `Field(exclude_if=...)`: else all earlier results are stale.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class AnalysisRequest(Frozen):
    """What is wanted of one video: kinds for temporal plugins, a language for transcription."""

    media: MediaInfo
    kinds: tuple[str, ...] = ()
    language: str | None = None
    uri: str = ""
    """The address of the source for other services; empty where it is not known."""


class UnitPlan(Frozen):
    """One request that the plugin would make, and its usage."""

    operation: str
    kinds: tuple[str, ...] = ()
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    model: str = ""
    usage: tuple[Usage, ...]


class Refusal(Frozen):
    """Why a plugin cannot serve a request, found before money is spent."""

    reason: str


class Plugin(ABC):
    """One way to analyse videos. Constructing it is cheap and touches no network."""

    Options: ClassVar[type[PluginOptions]] = PluginOptions
    name: ClassVar[str]
    version: ClassVar[str] = "1"
    operation: ClassVar[str] = "analyse"
    libraries: ClassVar[tuple[str, ...]] = ()
    """Modules that its methods import; without them the registry refuses to load it."""
    install: ClassVar[str] = ""
    """The command that installs them."""

    def __init__(self, options: Any = None) -> None:
        self.options = options if options is not None else self.Options()

    @property
    def account(self) -> str:
        """The account that is billed."""
        return "local"

    @property
    def region(self) -> str:
        """The region of the work."""
        return "local"

    @property
    def model(self) -> str:
        """The model, where there is a choice."""
        return ""

    def check(self) -> None:  # noqa: B027 (most plugins need nothing)
        """Raise ConfigurationError if something that it needs is missing here, such as a model.
        Called by `doctor`; touches no network."""

    @abstractmethod
    def capabilities(self) -> Capabilities:
        """Return what the plugin can do. Pure."""

    def options_for(self, kinds: Sequence[str]) -> dict[str, JsonValue]:
        """Return the options that affect the result for these kinds (none: a transcript), as plain
        values. Pure. A change of the others makes no result stale."""
        return self.options.model_dump(mode="json")

    def plan(self, request: AnalysisRequest) -> tuple[UnitPlan, ...] | Refusal:
        """Return the requests that together cover every requested kind. Pure."""
        refused = refusal(self.capabilities(), request)
        if refused:
            return refused
        return (
            UnitPlan(
                operation=self.operation,
                kinds=request.kinds,
                parameters={"language": request.language} if request.language else {},
                model=self.model,
                usage=planned_usage(self.capabilities(), request.media),
            ),
        )

    def usage(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> tuple[Usage, ...]:
        """Return what the finished unit used. Pure. By default what was planned."""
        return planned_usage(self.capabilities(), media)


def refusal(capabilities: Capabilities, request: AnalysisRequest) -> Refusal | None:
    """Return why a request exceeds the declared capabilities, or None."""
    limits, media = capabilities.limits, request.media
    missing = sorted(set(request.kinds) - set(capabilities.kinds))
    if missing:
        return Refusal(reason=f"does not find {', '.join(missing)}")
    known = capabilities.languages
    if request.language and known != "any" and request.language not in known:
        return Refusal(reason=f"does not support the language {request.language!r}")
    if limits.max_duration is not None and media.duration > limits.max_duration:
        return Refusal(reason=f"longer than {float(limits.max_duration):g} s")
    if media.duration < limits.min_duration:
        return Refusal(reason=f"shorter than {float(limits.min_duration):g} s")
    if limits.max_bytes is not None and media.size > limits.max_bytes:
        return Refusal(reason=f"larger than {_size(limits.max_bytes)}")
    if isinstance(capabilities.fed, Object):
        return _place_refusal(capabilities, request.uri) or _format_refusal(capabilities, media)
    return None


def _size(limit: int) -> str:
    whole, rest = divmod(limit, 1 << 20)
    return f"{limit:,} bytes" if rest else f"{whole:,} MiB"


def _place_refusal(capabilities: Capabilities, uri: str) -> Refusal | None:
    """Refuse an object that the provider cannot reach."""
    scheme, schemes = uri.partition("://")[0], capabilities.schemes
    if uri and schemes is not None and scheme not in schemes:
        reach = " or ".join(f"{one}://" for one in sorted(schemes))
        return Refusal(reason=f"reads from {reach} only, and the source lies at {scheme}://")
    return None


def _format_refusal(capabilities: Capabilities, media: MediaInfo) -> Refusal | None:
    """Refuse a container or codec that the provider does not read."""
    limits, stream = capabilities.limits, media.video or media.audio
    if limits.containers is not None and media.container not in limits.containers:
        return Refusal(reason=f"does not take {media.container} files")
    if limits.codecs is not None and stream and stream.codec not in limits.codecs:
        return Refusal(reason=f"does not decode {stream.codec}")
    return None


def planned_usage(capabilities: Capabilities, media: MediaInfo) -> tuple[Usage, ...]:
    """Return the declared meter applied to what probing measured."""
    spec = capabilities.meter
    measured = {
        Meter.VIDEO_SECONDS: media.duration,
        Meter.AUDIO_SECONDS: media.audio.duration if media.audio else Fraction(0),
    }.get(spec.meter, Fraction(1))
    return (Usage(meter=spec.meter, quantity=spec.quantity(measured), paid=spec.paid),)


class FrameStream(Protocol):
    """One pass over the frames of one video."""

    def feed(self, batch: FrameBatch) -> None:
        """Take the next frames."""
        ...

    def finish(self, end: Fraction) -> Iterable[bytes]:
        """Return the raw pages, after all frames. The last one ends at `end`."""
        ...


class Streams(Plugin):
    """Runs as a stream, fed the frames of a decode that several plugins may share."""

    @abstractmethod
    def start(self, request: WorkRequest, media: MediaInfo) -> FrameStream:
        """Begin a pass."""


class Calls(Plugin):
    """Runs as a call, which returns the result."""

    @abstractmethod
    def call(self, unit: WorkUnit, inputs: Inputs, progress: Progress) -> Iterable[bytes]:
        """Analyse, and return the raw pages. Raises ProviderError."""


class Submission(Frozen):
    """A request that the provider accepted: its name of the job, or already the raw pages."""

    job: str | None = None
    pages: tuple[bytes, ...] | None = None


class JobStatus(Frozen):
    """The status of a job at its provider."""

    state: Literal["running", "succeeded", "failed"]
    percent: int | None = None
    failure: UnitFailure | None = None
    note: str = ""
    """What is unusual about a running job; shown with its unit."""


class Slots(Frozen):
    """How many jobs a provider runs at once for one account and region."""

    shared_by: str
    """Operations with the same name here count together."""
    limit: int = Field(ge=1)


class Jobs(Plugin):
    """Runs as a job elsewhere: submitted, polled, fetched. Each method may be repeated."""

    poll_seconds: ClassVar[float] = 30.0
    """The time between two polls of a running job."""
    deadline_seconds: float = 24 * 3600.0
    """When a job that still runs is abandoned, after its submission. Less than the provider keeps
    results and tokens."""

    def slots(self, operation: str) -> Slots | None:
        """Return the limit of concurrent jobs of this operation, if any. Pure."""
        return None

    def console_url(self, unit: WorkUnit) -> str | None:
        """Return the web page of the unit's job at the provider, if it has one. Pure."""
        return None

    @abstractmethod
    def submit(self, unit: WorkUnit, media: MediaInfo, inputs: Inputs) -> Submission:
        """Submit the request, with `unit.id` as its token where the provider takes one.

        Raises ProviderError, with `accepted=False` where the provider refused it.
        """

    @abstractmethod
    def poll(self, jobs: Sequence[str]) -> Mapping[str, JobStatus]:
        """Return the status of these jobs, without those that the provider does not know.

        Raises ProviderError, transient for an answer that is malformed or names another job.
        """

    @abstractmethod
    def fetch(self, job: str) -> Iterator[bytes]:
        """Yield the raw pages of a job that succeeded, from the first.

        Raises ProviderError, transient for an answer that is malformed or names another job: it is
        fetched again later. What is yielded is stored, and never paid again.
        """

    @abstractmethod
    def cancel(self, job: str) -> bool:
        """Ask the provider to stop the job. Returns False if it can no longer be stopped."""


class Heard(Frozen):
    """An event in which a provider says that a job has ended, well or badly."""

    job: str
    receipt: str
    """What `acknowledge` needs."""


class Listens(Plugin):
    """For `Jobs` whose provider sends an event when a job has ended. An event is a hint: the job is
    polled anyway, and one whose event is lost is polled when it is overdue."""

    @abstractmethod
    def listen(self) -> Sequence[Heard]:
        """Return the next events at once. One that is not acknowledged is delivered again."""

    @abstractmethod
    def acknowledge(self, heard: Sequence[Heard]) -> None:
        """Mark these events as handled."""
