"""The service: Start, Get, List and Delete of jobs, and the alarm that starts and ends them."""

import threading
from typing import Any

from botocore.exceptions import ClientError

from video_pipeline.testing.clock import Alarm, Clock
from video_pipeline.testing.service import Call, Refused, Service
from video_pipeline_tests.doubles.aws.transcribe import refusals
from video_pipeline_tests.doubles.aws.transcribe.jobs import (
    COMPLETED,
    FAILED,
    QUEUED,
    RUNNING,
    UNDOCUMENTED,
    Job,
    check,
    media,
    misreported,
)
from video_pipeline_tests.doubles.aws.transcribe.outputs import s3_client, tell, write
from video_pipeline_tests.doubles.aws.transcribe.refusals import GET_FAULTS, JOB_FAULTS, REFUSALS
from video_pipeline_tests.doubles.aws.transcribe.settings import Settings

_LIST_ROWS = 5
"""Rows of a List without MaxResults."""
_Place = tuple[str, str, str]


class Transcribe(Service):
    """Transcribe's batch jobs, as a `Service` behind the server."""

    refusals = REFUSALS
    invalid = "BadRequestException"

    def __init__(self, settings: Settings | None = None, clock: Clock | None = None) -> None:
        super().__init__("transcribe", {*JOB_FAULTS, *GET_FAULTS}, clock)
        self.settings = settings or Settings()
        self._jobs: dict[_Place, Job] = {}
        self._finished: list[Job] = []
        self._peaks: dict[tuple[str, str], int] = {}
        self._events: list[dict[str, Any]] = []
        self._lock = threading.RLock()
        self._alarm = Alarm(self.clock, self._move_on)

    def video(self, call: Call) -> str:
        """Return the key of the media. Get and Delete name their job, so the key is the job's."""
        job = self._jobs.get(_place(call))
        return media(job.request if job and "Media" not in call.request else call.request)[1]

    def answer(self, call: Call) -> dict[str, Any]:
        """Return the reply to a request. Raises Refused."""
        with self._lock:
            self._forget()
        match call.operation:
            case "StartTranscriptionJob":
                return {"TranscriptionJob": self._start(call)}
            case "GetTranscriptionJob":
                return {"TranscriptionJob": self._told(call)}
            case "ListTranscriptionJobs":
                return self._list(call)
            case "DeleteTranscriptionJob":
                return self._delete(call)
            case _:
                raise Refused("UnknownOperationException", f"{call.operation} is not doubled")

    def _start(self, call: Call) -> dict[str, Any]:
        check(call.request, self.settings.vocabularies)
        self._look_at(call)
        with self._lock:
            if _place(call) in self._jobs:
                raise Refused("ConflictException", refusals.NAME_TAKEN)
            here = [job for job in self._jobs.values() if _beside(job.call, call)]
            running = sum(job.status in (QUEUED, RUNNING) for job in here)
            if running >= self.settings.concurrent:
                raise Refused("LimitExceededException", refusals.TOO_MANY)
            job = self._made(call)
            self._jobs[_place(call)] = job
            account = (call.account, call.region)
            self._peaks[account] = max(self._peaks.get(account, 0), running + 1)
            if not self.settings.queued_seconds and "queued_for_ever" not in job.quirks:
                job.status = RUNNING
            told = job.told()
        if "event_before_reply" in job.quirks:
            self._end(job)
        self.clock.wake()
        return told

    def _made(self, call: Call) -> Job:
        now, key = self.clock.now(), media(call.request)[1]
        met = self.faults.all_taken(JOB_FAULTS, call.operation, key)
        quirks = {fault.what: fault.reason or JOB_FAULTS[fault.what] for fault in met}
        speech = self.settings.speech(key)
        if "no_words" in quirks:
            speech = speech.model_copy(update={"words": 0})
        starts = None if "queued_for_ever" in quirks else now + self.settings.queued_seconds
        ends = starts and starts + self.settings.running_seconds
        ends = None if "never_ends" in quirks else ends
        return Job(call, speech, quirks, now, starts, ends)

    def _look_at(self, call: Call) -> None:
        """Check that S3 has the media, if the settings name a server. Raises Refused."""
        if self.settings.s3 is None:
            return
        bucket, key = media(call.request)
        try:
            s3_client(self.settings.s3, call.account, call.region).head_object(
                Bucket=bucket, Key=key
            )
        except ClientError as error:
            raise Refused("BadRequestException", refusals.UNREADABLE) from error

    def _known(self, call: Call) -> Job:
        job = self._jobs.get(_place(call))
        if job is None:
            raise Refused(self.settings.missing_job, refusals.MISSING_JOB)
        return job

    def _told(self, call: Call) -> dict[str, Any]:
        told = self._known(call).told()
        fault = self.faults.taken(GET_FAULTS, call.operation, self.video(call))
        return misreported(fault.what, told) if fault else told

    def _delete(self, call: Call) -> dict[str, Any]:
        with self._lock:
            if self._known(call).status not in (COMPLETED, FAILED):
                raise Refused("BadRequestException", "The job can't be deleted while it runs.")
            del self._jobs[_place(call)]
        return {}

    def _list(self, call: Call) -> dict[str, Any]:
        """List jobs, newest first. A NextToken is the number of jobs to skip."""
        asked = call.request
        with self._lock:
            found = [
                job.summary()
                for job in reversed(self._jobs.values())
                if _beside(job.call, call)
                and asked.get("JobNameContains", "").lower() in job.name.lower()
                and asked.get("Status", job.status) == job.status
            ]
        try:
            start = int(asked.get("NextToken", 0))
        except ValueError as error:
            raise Refused("BadRequestException", "The NextToken isn't valid.") from error
        stop = start + asked.get("MaxResults", _LIST_ROWS)
        told: dict[str, Any] = {"TranscriptionJobSummaries": found[start:stop]}
        if "Status" in asked:
            told["Status"] = asked["Status"]
        return told | ({"NextToken": str(stop)} if stop < len(found) else {})

    def sample(self, operation: str, reply: dict[str, Any]) -> dict[str, Any]:
        """Return the whole reply, without the undocumented status, which the model does not know.

        It is a fault made on purpose.
        """
        job = reply.get("TranscriptionJob", {})
        if job.get("TranscriptionJobStatus") != UNDOCUMENTED:
            return reply
        return {"TranscriptionJob": job | {"TranscriptionJobStatus": RUNNING}}

    def books(self) -> dict[str, Any]:
        """Return the books.

        `jobs` includes deleted ones. `billed` has seconds by meter. `peak` is the most
        unfinished jobs at once, by account and region. `calls` are by outcome.
        """
        with self._lock:
            alive = [job for job in self._jobs.values() if job.status in (QUEUED, RUNNING)]
            jobs = self._finished + alive
            done = [job for job in jobs if job.status == COMPLETED]
            hidden = [job for job in done if "ContentRedaction" in job.request]
            billed = {"Transcription": done, "Redaction": hidden}
            return {
                "jobs": [job.entry() for job in jobs],
                "submissions": len(jobs),
                "billed": {
                    meter: sum(job.speech.billed_seconds for job in of)
                    for meter, of in billed.items()
                    if of
                },
                "peak": {"/".join(place): most for place, most in self._peaks.items()},
                "calls": self.calls.told(),
                "events": list(self._events),
            }

    def configure(self, changes: dict[str, Any]) -> None:
        """Change settings. Running jobs keep theirs."""
        with self._lock:
            self.settings = Settings.model_validate({**self.settings.model_dump(), **changes})

    def close(self) -> None:
        """Stop the alarm."""
        self._alarm.close()

    def _move_on(self) -> float | None:
        """Start and end the jobs that are due, and return the time of the next one."""
        now = self.clock.now()
        with self._lock:
            alive = [job for job in self._jobs.values() if job.status in (QUEUED, RUNNING)]
            for job in alive:
                if job.starts is not None and job.starts <= now:
                    job.status = RUNNING
            due = [job for job in alive if job.ends is not None and job.ends <= now]
        for job in due:
            self._end(job)
        with self._lock:
            waiting = [job for job in self._jobs.values() if job.status in (QUEUED, RUNNING)]
            times = [job.starts if job.status == QUEUED else job.ends for job in waiting]
            return min((time for time in times if time is not None), default=None)

    def _end(self, job: Job) -> None:
        reason = job.failure or write(job, self.settings)
        with self._lock:
            if job.status not in (QUEUED, RUNNING):
                return
            job.status, job.reason = (FAILED, reason) if reason else (COMPLETED, "")
            job.ends = self.clock.now()
            self._finished.append(job)
        told = tell(job, self.settings, self.clock.now())
        with self._lock:
            self._events += told

    def _forget(self) -> None:
        """Remove the records of expired jobs. The books keep them."""
        since = self.clock.now() - self.settings.kept_seconds
        self._jobs = {place: job for place, job in self._jobs.items() if job.created >= since}


def _place(call: Call) -> _Place:
    return call.account, call.region, str(call.request.get("TranscriptionJobName"))


def _beside(one: Call, other: Call) -> bool:
    return (one.account, one.region) == (other.account, other.region)
