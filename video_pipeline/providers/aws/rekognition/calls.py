"""Requests to Rekognition Video: start a job, poll jobs, fetch their pages."""

# pyright: reportMissingTypeStubs=false

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from video_pipeline.aws.errors import short
from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.work import UnitFailure, WorkUnit
from video_pipeline.plugins.base import JobStatus
from video_pipeline.plugins.inputs import ObjectRef
from video_pipeline.providers.aws.errors import provider_errors, unreadable
from video_pipeline.providers.aws.jobs import unended
from video_pipeline.providers.aws.rekognition.analyses import BY_START, Analysis, job_name, parsed
from video_pipeline.providers.aws.rekognition.options import RekognitionOptions
from video_pipeline.providers.aws.rekognition.results import Pages, check_own, keep_bodies
from video_pipeline.providers.aws.rekognition.source import TAG, Source, Sources, source_of
from video_pipeline.providers.aws.session import AwsSession

_log = logging.getLogger(__name__)
# Jobs that are polled in parallel: AWS throttles more.
_AT_ONCE = 4


class Calls:
    """All requests of one plugin, except to its queue."""

    def __init__(self, options: RekognitionOptions, session: AwsSession) -> None:
        self._options, self._session = options, session
        self._sources = Sources(session, options.region)

    def start(self, unit: WorkUnit, given: ObjectRef | None) -> str:
        """Start a job with the unit's id as its token; return its name. Raises ProviderError."""
        source, analysis = source_of(given), BY_START[unit.request.operation]
        self._sources.check(source)
        where = f"{analysis.start} of {source.uri}"
        with provider_errors(where):
            answer = self._called(
                self._session.starts(),
                analysis.start,
                Video=source.parameter,
                ClientRequestToken=unit.id,
                JobTag=_tag(unit, source),
                **self._channel(),
                **_asked(unit),
            )
        job_id = answer.get("JobId")
        if not isinstance(job_id, str) or not job_id:
            raise unreadable("it names no JobId", where)
        return job_name(analysis, job_id)

    def statuses(self, jobs: Sequence[str]) -> dict[str, JobStatus]:
        """Return the status of jobs, without those that AWS does not know (any more). A job that
        could not be polled counts as running. Raises ProviderError if none could be."""
        known = {job: found for job in jobs if (found := parsed(job))}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = dict(zip(known, pool.map(self._looked_up, known.values()), strict=True))
        broken = [one for one in found.values() if isinstance(one, ProviderError)]
        for error in broken:
            _log.warning("%s", error)
        if broken and len(broken) == len(found):
            raise broken[0]
        running = JobStatus(state="running")
        stand = {j: running if isinstance(s, ProviderError) else s for j, s in found.items()}
        return {job: status for job, status in stand.items() if status is not None}

    def pages(self, job: str) -> Iterator[bytes]:
        """Yield the raw pages of a job. Raises ProviderError, also if its object was replaced."""
        found = parsed(job)
        if found is None:
            raise ProviderError(
                f"{job} is no job of Rekognition Video",
                category=FailureCategory.RESULT_EXPIRED,
                remedy="Run the phase again.",
            )
        client = self._session.asks()
        keep_bodies(client)
        check = self._sources.check_read
        yield from Pages(client, *found, where=f"job {job}", check=check).read()

    def _looked_up(self, job: tuple[Analysis, str]) -> JobStatus | ProviderError | None:
        analysis, job_id = job
        where = f"{analysis.get} of {job_id}"
        try:
            with provider_errors(where):
                client = self._session.asks()
                answer = self._called(client, analysis.get, JobId=job_id, MaxResults=1)
            check_own(answer, job_id, where)
            return _status(answer, where)
        except ProviderError as error:
            return None if error.category is FailureCategory.RESULT_EXPIRED else error

    def _channel(self) -> dict[str, Any]:
        topic, role = self._options.topic, self._options.topic_role
        return {"NotificationChannel": {"SNSTopicArn": topic, "RoleArn": role}} if topic else {}

    @staticmethod
    def _called(client: Any, operation: str, **parameters: Any) -> dict[str, Any]:
        from botocore import xform_name

        answer: dict[str, Any] = getattr(client, xform_name(operation))(**parameters)
        return answer


def _status(answer: dict[str, Any], where: str) -> JobStatus:
    if answer["JobStatus"] == "SUCCEEDED":
        return JobStatus(state="succeeded")
    if answer["JobStatus"] != "FAILED":
        return unended(answer["JobStatus"], ("IN_PROGRESS",), where)
    said = answer.get("StatusMessage") or "Rekognition gives no reason"
    why = UnitFailure(
        category=FailureCategory.PROVIDER_FAILED, message=short(str(said)).rstrip(".")
    )
    return JobStatus(state="failed", failure=why)


def _asked(unit: WorkUnit) -> dict[str, Any]:
    """Return what was planned: the options may have changed since."""
    return {name: value for name, value in unit.request.parameters.items() if name[0].isupper()}


def _tag(unit: WorkUnit, source: Source) -> str:
    """Return a tag with the job's owner, and the ETag to compare when it has ended."""
    return f"{unit.request.key}/{unit.id}{TAG + source.etag if source.etag else ''}"
