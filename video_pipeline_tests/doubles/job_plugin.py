"""The vendor's plugins: shots and speech as jobs, with an idempotency token or without one."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, ClassVar
from urllib.parse import urlencode

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.markers import Kind, Marker
from video_pipeline.domain.results.transcript import Segment, Transcript, Word
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.usage import Meter, MeterSpec, Usage, summed
from video_pipeline.domain.work import UnitFailure, WorkRequest, WorkUnit
from video_pipeline.plugins.base import (
    AnalysisRequest,
    Heard,
    Jobs,
    JobStatus,
    Listens,
    PluginOptions,
    Refusal,
    Slots,
    Submission,
    UnitPlan,
    planned_usage,
    refusal,
)
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.inputs import Inputs, Object
from video_pipeline.plugins.temporal import BaseTemporalPlugin
from video_pipeline.plugins.transcription import BaseTranscriptionPlugin

# The vendor listens on this machine: ignore any proxy of the environment.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

_CATEGORIES = {
    403: FailureCategory.AUTH,
    409: FailureCategory.CONCURRENCY,
    429: FailureCategory.THROTTLED,
}


class VendorOptions(PluginOptions):
    """The vendor's address, and whether to use a token, a job limit and events."""

    url: str
    token: bool = True
    timeout_seconds: float = 10.0
    slots: int | None = None
    events: bool = False


class VendorJobs(Jobs, Listens):
    """The vendor's HTTP protocol."""

    poll_seconds = 1.0
    options: VendorOptions

    def slots(self, operation: str) -> Slots | None:
        limit = self.options.slots
        return None if limit is None else Slots(shared_by="everything", limit=limit)

    def listen(self) -> Sequence[Heard]:
        events = self._ask("/events") if self.options.events else {}
        return [Heard(job=job, receipt=receipt) for receipt, job in events.items()]

    def acknowledge(self, heard: Sequence[Heard]) -> None:
        self._ask("/events", json.dumps([one.receipt for one in heard]).encode())

    def submit(self, unit: WorkUnit, media: MediaInfo, inputs: Inputs) -> Submission:
        body = {
            "video": self._subject(unit.request),
            "duration": str(media.duration),
            "token": unit.id if self.options.token else None,
        }
        answer = self._ask("/jobs", json.dumps(body).encode())
        if "pages" in answer:
            return Submission(pages=tuple(page.encode() for page in answer["pages"]))
        return Submission(job=answer["job"])

    def _subject(self, request: WorkRequest) -> str:
        """Return the video's name in the vendor's books."""
        return str(request.key)

    def poll(self, jobs: Sequence[str]) -> Mapping[str, JobStatus]:
        answer = self._ask(f"/jobs?{urlencode([('id', job) for job in jobs])}")
        failure = UnitFailure(
            category=FailureCategory.PROVIDER_FAILED, message="the vendor's job failed"
        )
        return {
            job: JobStatus(state=state, failure=failure if state == "failed" else None)
            for job, state in answer.items()
        }

    def fetch(self, job: str) -> Iterator[bytes]:
        answer = self._ask(f"/jobs/{job}")
        if answer["job"] != job:
            raise ProviderError(
                f"the vendor sent the result of {answer['job']}",
                category=FailureCategory.TRANSIENT,
                where=job,
                remedy="Wait a little.",
            )
        for page in answer["pages"]:
            yield page.encode()

    def cancel(self, job: str) -> bool:
        return bool(self._ask(f"/jobs/{job}/stop", b"{}")["stopped"])

    def _ask(self, path: str, body: bytes | None = None) -> dict[str, Any]:
        try:
            with _DIRECT.open(
                self.options.url + path, body, timeout=self.options.timeout_seconds
            ) as reply:
                answer: dict[str, Any] = json.loads(reply.read())
                return answer
        except urllib.error.HTTPError as error:
            raise self._refused(error) from error
        except OSError as error:
            raise ProviderError(
                f"the vendor did not answer: {error}",
                category=FailureCategory.TRANSIENT,
                where=self.options.url,
                remedy="Wait a little.",
            ) from error

    def _refused(self, error: urllib.error.HTTPError) -> ProviderError:
        busy = error.code in (409, 429)
        wish = error.headers.get("Retry-After")
        return ProviderError(
            f"the vendor refused: {json.loads(error.read())['message']}",
            category=_CATEGORIES.get(error.code, FailureCategory.INPUT_REJECTED),
            where=self.options.url,
            remedy="Wait a little." if busy else "Choose another provider.",
            accepted=False,
            retry_after=float(wish) if wish else None,
        )

    def _capabilities(self, **more: Any) -> Capabilities:
        return Capabilities(
            fed=Object(),
            replay="deduplicated" if self.options.token else "unsafe",
            meter=MeterSpec(meter=Meter.VIDEO_SECONDS, paid=True),
            **more,
        )


def _read(page: bytes) -> tuple[TimeRange, list[str]]:
    """Return the range and the words of a page."""
    try:
        content = json.loads(page)
        within = TimeRange(start=Fraction(content["from"]), end=Fraction(content["to"]))
        return within, content["said"].split()
    except (ValueError, KeyError, TypeError) as error:
        raise ProviderError(
            f"the vendor's page cannot be read: {error}",
            category=FailureCategory.MALFORMED_RESULT,
            remedy="Ask the vendor.",
        ) from error


class VendorShots(VendorJobs, BaseTemporalPlugin):
    """Shots by the vendor: always two of equal length."""

    name = "vendor-shots"
    Options = VendorOptions

    def capabilities(self) -> Capabilities:
        return self._capabilities(kinds=(Kind.SHOT,))

    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Iterator[Marker]:
        for page in pages:
            yield Marker(kind=Kind.SHOT, range=_read(page)[0])


class SightOptions(VendorOptions):
    """The vendor's options, and the URI schemes that the vendor can read."""

    schemes: frozenset[str] | None = None


class VendorSights(VendorJobs, BaseTemporalPlugin):
    """Shots and events by three operations of the vendor.

    `segments` gives shots and technical cues, `text` and `moderation` the other events. In the
    vendor's books a video's name is its key and the operation.
    """

    name = "vendor-sights"
    Options = SightOptions
    options: SightOptions

    OPERATIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        "segments": (Kind.SHOT, Kind.CUE),
        "text": (Kind.TEXT,),
        "moderation": (Kind.MODERATION,),
    }

    def capabilities(self) -> Capabilities:
        kinds = tuple(kind for kinds in self.OPERATIONS.values() for kind in kinds)
        return self._capabilities(kinds=kinds, schemes=self.options.schemes)

    def plan(self, request: AnalysisRequest) -> tuple[UnitPlan, ...] | Refusal:
        refused = refusal(self.capabilities(), request)
        if refused:
            return refused
        return tuple(
            self._unit(request, operation, kinds)
            for operation, all_kinds in self.OPERATIONS.items()
            if (kinds := tuple(kind for kind in all_kinds if kind in request.kinds))
        )

    def _unit(self, request: AnalysisRequest, operation: str, kinds: tuple[str, ...]) -> UnitPlan:
        """Plan an operation, which is billed once for each kind."""
        usage = planned_usage(self.capabilities(), request.media)
        return UnitPlan(operation=operation, kinds=kinds, usage=summed(usage * len(kinds)))

    def usage(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> tuple[Usage, ...]:
        return summed(planned_usage(self.capabilities(), media) * len(request.kinds))

    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Iterator[Marker]:
        for page in pages:
            for kind in request.kinds:
                yield Marker(kind=kind, range=_read(page)[0], label=request.operation)

    def _subject(self, request: WorkRequest) -> str:
        return f"{request.key} {request.operation}"


class VendorSpeech(VendorJobs, BaseTranscriptionPlugin):
    """Speech by the vendor: the same four words in each half of the video."""

    name = "vendor-speech"
    Options = VendorOptions

    def capabilities(self) -> Capabilities:
        return self._capabilities(languages="any", precision="segment")

    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Transcript:
        return Transcript(language="en", segments=tuple(self._segment(page) for page in pages))

    def _segment(self, page: bytes) -> Segment:
        within, said = _read(page)
        step = within.duration / len(said)
        words = tuple(
            Word(
                text=text,
                range=TimeRange(start=within.start + i * step, end=within.start + (i + 1) * step),
            )
            for i, text in enumerate(said)
        )
        return Segment(text=" ".join(said), range=within, words=words)
