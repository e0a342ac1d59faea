"""Transcription by Amazon Transcribe: one job an object, with its result in a bucket of ours.

The service takes no version of an object, so the object is checked before and after the job. The
name of a job is unique, by which the service recognises a repeated request.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from video_pipeline.aws.console import console_of
from video_pipeline.aws.errors import UNFIT, words_of
from video_pipeline.domain.errors import ConfigurationError, FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.domain.usage import Meter, MeterSpec, Usage
from video_pipeline.domain.work import WorkRequest, WorkUnit
from video_pipeline.plugins.base import (
    AnalysisRequest,
    JobStatus,
    Refusal,
    Slots,
    Submission,
    UnitPlan,
    planned_usage,
)
from video_pipeline.plugins.capabilities import Capabilities, Limits
from video_pipeline.plugins.inputs import Inputs, Object, ObjectRef
from video_pipeline.plugins.transcription import BaseTranscriptionPlugin
from video_pipeline.providers.aws.errors import beforehand, provider_errors
from video_pipeline.providers.aws.events import transcribe_jobs
from video_pipeline.providers.aws.jobs import AwsJobs
from video_pipeline.providers.aws.transcribe.languages import LANGUAGES
from video_pipeline.providers.aws.transcribe.objects import There, look, place_of, result
from video_pipeline.providers.aws.transcribe.options import TranscribeOptions
from video_pipeline.providers.aws.transcribe.polling import record_in, statuses
from video_pipeline.providers.aws.transcribe.reasons import refusal
from video_pipeline.providers.aws.transcribe.request import (
    ETAG_TAG,
    FORMATS,
    REGIONS,
    VERSION_TAG,
    differences,
    job_request,
    name_of,
    obstacle,
)
from video_pipeline.providers.aws.transcribe.words import transcript

# The resolution of LastModified in S3.
_SECOND = timedelta(seconds=1)

# Each second begun, without a minimum: price list of 2026-09-11. Older descriptions have at least
# 15 seconds a request. The service reports no usage, so the probed audio counts.
_METER = MeterSpec(meter=Meter.AUDIO_SECONDS, paid=True)

# Of personal data: each second of such a job has a price of its own on top, by the same list.
_REDACTION = "redaction"

# Developer guide, "Guidelines and quotas", read in November 2026: 4 hours, 2 GB. A megabyte of the
# service is 1,048,576 bytes (API reference, SyncMedia, read 2026-11-30).
_LIMITS = Limits(max_duration=4 * 3600, max_bytes=2 * 1024**3, containers=frozenset(FORMATS))  # type: ignore[arg-type]


class TranscribePlugin(BaseTranscriptionPlugin, AwsJobs):
    """Words, speakers and languages by Amazon Transcribe."""

    Options = TranscribeOptions
    name = "aws-transcribe"
    service = "transcribe"
    options: TranscribeOptions

    def jobs_of(self, message: dict[str, Any]) -> Sequence[str]:
        return transcribe_jobs(message)

    def capabilities(self) -> Capabilities:
        several = self.options.identify == "several"
        return Capabilities(
            fed=Object(),
            replay="deduplicated",
            meter=_METER,
            languages=LANGUAGES,
            precision="millisecond",
            word_times=True,
            speakers=self.options.speakers is not None,
            max_speakers=self.options.speakers,
            detects_language="multiple" if several else "single",
            limits=_LIMITS,
            schemes=frozenset({"s3"}),
            regions=REGIONS,
        )

    def slots(self, operation: str) -> Slots | None:
        return Slots(shared_by="transcribe", limit=self.options.concurrent_jobs)

    def console_url(self, unit: WorkUnit) -> str | None:
        """Return the job's page, by the form of AWS's solution Media2Cloud (AWSConsoleTranscribe,
        seen 2026-11-30)."""
        if unit.job is None or self.options.endpoint:
            return None
        region = unit.request.region
        return f"{console_of(region)}/transcribe/home?region={region}#job-details/{unit.job}"

    def plan(self, request: AnalysisRequest) -> tuple[UnitPlan, ...] | Refusal:
        planned = super().plan(request)
        if isinstance(planned, Refusal):
            return planned
        reason = obstacle(self.options, request.media, request.language)
        if reason:
            return Refusal(reason=reason)
        used = self._usage(request.media, redacted=bool(self.options.redact))
        return tuple(one.model_copy(update={"usage": used}) for one in planned)

    def usage(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> tuple[Usage, ...]:
        options = request.parameters.get("options")
        return self._usage(
            media, redacted=isinstance(options, dict) and bool(options.get("redact"))
        )

    def _usage(self, media: MediaInfo, *, redacted: bool) -> tuple[Usage, ...]:
        spoken = planned_usage(self.capabilities(), media)
        hidden = tuple(one.model_copy(update={"dimension": _REDACTION}) for one in spoken)
        return (*spoken, *hidden) if redacted else spoken

    def submit(self, unit: WorkUnit, media: MediaInfo, inputs: Inputs) -> Submission:
        """Submit. An existing job of this name is this unit's, whatever its object is now."""
        source = inputs.object
        if source is None:
            raise ConfigurationError(
                f"{self.name} was given no object", remedy="Feed it what its capabilities name."
            )
        name = name_of(unit.id, source.uri)
        with beforehand():
            there = look(self._session.s3, source.uri)
            is_it = there is not None and there.version == source.version
            known = is_it or self._job(name) is not None
        if not known:
            raise _not_there(source, there)
        if there is not None and is_it:
            self._start(job_request(self.options, unit, media, there))
        return Submission(job=name)

    def poll(self, jobs: Sequence[str]) -> Mapping[str, JobStatus]:
        with provider_errors("jobs", refusal):
            return statuses(self._session.asks(), jobs)

    def fetch(self, job: str) -> Iterator[bytes]:
        """Yield two pages: the job's record, as the SDK reads it, and the result from S3."""
        with provider_errors(job, refusal):
            found = record_in(
                self._session.asks().get_transcription_job(TranscriptionJobName=job), job
            )
            self._check_content(job, found)
            uri = _result_of(found, job)
        page = result(self._session.s3, uri, job)
        yield json.dumps(found, default=datetime.isoformat, sort_keys=True).encode()
        yield page

    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Transcript:
        asked = request.parameters.get("language")
        try:
            return transcript(pages, media, str(asked) if asked else None)
        except UNFIT as error:
            raise ProviderError(
                f"the result of {self.name} cannot be read: {words_of(error)}",
                category=FailureCategory.MALFORMED_RESULT,
                remedy="Its pages are kept: report it; another provider may serve meanwhile.",
                where=str(request.key),
            ) from error

    def _start(self, request: Mapping[str, Any]) -> None:
        """Start a job, unless one of that name has the same request. Raises ProviderError."""
        name = request["TranscriptionJobName"]
        with provider_errors(name, refusal):
            client = self._session.starts()
            try:
                record_in(client.start_transcription_job(**request), name)
            except client.exceptions.ConflictException:
                self._compare(request)

    def _compare(self, request: Mapping[str, Any]) -> None:
        """Compare with the existing job. While it cannot be read it may be ours, and billed."""
        name = request["TranscriptionJobName"]
        try:
            record = self._job(name)
        except ProviderError as error:
            error.accepted = True
            raise
        other = differences(request, record) if record else ["it was deleted just now"]
        if other:
            raise _taken(name, other)

    def _job(self, name: str) -> dict[str, Any] | None:
        """Return the job's record, None for an unknown job."""
        try:
            with provider_errors(name, refusal):
                answer = self._session.asks().get_transcription_job(TranscriptionJobName=name)
                return record_in(answer, name)
        except ProviderError as error:
            if error.category is FailureCategory.RESULT_EXPIRED:
                return None
            raise

    def _check_content(self, job: str, record: Mapping[str, Any]) -> None:
        """Raise ProviderError if the object was replaced while its job ran. An object put after the
        job had ended, or with the same bytes, does no harm."""
        tags = {tag["Key"]: tag["Value"] for tag in record.get("Tags", ())}
        uri, meant = record["Media"]["MediaFileUri"], tags.get(VERSION_TAG)
        there = look(self._session.s3, uri) if meant else None
        if there is None or there.version == meant or there.etag == tags.get(ETAG_TAG):
            return
        ended = record.get("CompletionTime")
        if ended is None or there.put_at <= ended + _SECOND:
            raise ProviderError(
                "the object was replaced while its job ran, and may be what was transcribed",
                category=FailureCategory.INPUT_REJECTED,
                remedy="The newer version is processed by itself; the job is billed all the same.",
                where=f"{job}, {uri}",
            )


def _not_there(source: ObjectRef, there: There | None) -> ProviderError:
    what = "the object is gone" if there is None else "the object is not the version that arrived"
    return ProviderError(
        what,
        category=FailureCategory.INPUT_REJECTED,
        remedy="Wait: a newer version is processed by itself. Deliver a deleted video again.",
        where=source.uri,
        accepted=False,
    )


def _taken(name: str, other: Sequence[str]) -> ProviderError:
    return ProviderError(
        f"Transcribe has a job of this name with other settings ({', '.join(other)})",
        category=FailureCategory.PROVIDER_FAILED,
        remedy="Find out what created it. Delete it by `aws transcribe delete-transcription-job`, "
        "or force the phase, which submits under a new name.",
        where=name,
        accepted=False,
    )


def _result_of(record: Mapping[str, Any], job: str) -> str:
    """Return the address of the result, redacted if that was requested."""
    found = record.get("Transcript") or {}
    uri = found.get("RedactedTranscriptFileUri") or found.get("TranscriptFileUri")
    if not uri or not all(place_of(uri)):
        raise ProviderError(
            f"the job names no result ({record.get('TranscriptionJobStatus')})",
            category=FailureCategory.TRANSIENT,
            remedy="It is looked up again later.",
            where=job,
        )
    return str(uri)
