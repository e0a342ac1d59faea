"""The service: Start and Get of jobs, the thread that ends them, and their events."""

import json
import secrets
import threading
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from video_pipeline.testing.clock import Alarm, Clock
from video_pipeline.testing.double import client
from video_pipeline.testing.service import Call, Refused, Service
from video_pipeline_tests.doubles.aws.rekognition.content import Settings
from video_pipeline_tests.doubles.aws.rekognition.jobs import RUNNING, Job, Jobs
from video_pipeline_tests.doubles.aws.rekognition.operations import ANALYSES, Analysis
from video_pipeline_tests.doubles.aws.rekognition.pages import page
from video_pipeline_tests.doubles.aws.rekognition.quirks import (
    GET_FAULTS,
    JOB_FAULTS,
    UNDOCUMENTED,
    changed,
    misreported,
)
from video_pipeline_tests.doubles.aws.rekognition.refusals import LIMIT, NO_OBJECT, REFUSALS

_ROWS_CHECKED = 25


class Events:
    """Completion events, published to SNS if a job names a topic and the settings name a server."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []
        self._clients: dict[tuple[str, str], Any] = {}

    def tell(self, job: Job, settings: Settings, now: float) -> None:
        """Publish the completion of a job to its SNS topic, as changed by its faults."""
        if "NotificationChannel" not in job.request or "event_lost" in job.quirks:
            return
        message = _message(job, settings, now)
        self._publish(job, settings, message)
        if "event_twice" in job.quirks:
            self._publish(job, settings, message)
        if "event_of_unknown_job" in job.quirks:
            self._publish(job, settings, message | {"JobId": job.id[::-1]})

    def _publish(self, job: Job, settings: Settings, message: dict[str, Any]) -> None:
        topic = job.request["NotificationChannel"]["SNSTopicArn"]
        told = {"topic": topic, **message}
        if settings.sns:
            sns = self._client(settings.sns, topic.split(":")[3], job.call.account)
            try:
                sns.publish(TopicArn=topic, Message=json.dumps(message))
            except (BotoCoreError, ClientError) as error:  # the vendor does not retry either
                told["undelivered"] = str(error)
        self.published.append(told)

    def _client(self, endpoint: str, region: str, account: str) -> Any:
        key = (region, account)
        if key not in self._clients:
            self._clients[key] = client("sns", endpoint, account, region=region)
        return self._clients[key]


def _message(job: Job, settings: Settings, now: float) -> dict[str, Any]:
    spelling = settings.api_spelling
    if spelling == "both":
        spelling = "operation" if job.number % 2 else "constant"
    message: dict[str, Any] = {
        "JobId": job.id,
        "Status": "ERROR" if "event_error" in job.quirks else job.status,
        "API": job.call.operation if spelling == "operation" else job.analysis.constant,
        "Timestamp": int(now * 1000),
        "Video": {"S3ObjectName": job.object["Name"], "S3Bucket": job.object["Bucket"]},
    }
    if "JobTag" in job.request:
        message["JobTag"] = job.request["JobTag"]
    return message


class Rekognition(Service):
    """Rekognition Video, as a `Service` behind the server."""

    refusals = REFUSALS

    def __init__(self, settings: Settings | None = None, clock: Clock | None = None) -> None:
        super().__init__("rekognition", {*JOB_FAULTS, *GET_FAULTS}, clock)
        self.settings = settings or Settings()
        self._jobs = Jobs(secrets.token_hex(8))
        self._events = Events()
        self._replays = 0
        self._lock = threading.RLock()
        self._alarm = Alarm(self.clock, self._end_due)

    def video(self, call: Call) -> str:
        """Return the key of the video. A Get names its job, so the key is the job's."""
        if call.operation.startswith("Get"):
            job = self._jobs.by_id.get(str(call.request.get("JobId")))
            return job.object["Name"] if job else ""
        found = call.request.get("Video")
        stored = found.get("S3Object") if isinstance(found, dict) else None
        return str(stored.get("Name", "")) if isinstance(stored, dict) else ""

    def answer(self, call: Call) -> dict[str, Any]:
        """Start a job, or return a page of its results. Raises Refused."""
        verb, name = ("Get", call.operation[3:])
        if call.operation.startswith("Start"):
            verb, name = ("Start", call.operation[5:])
        if name not in ANALYSES:
            raise Refused("InvalidAction", f"{call.operation} is not doubled", 400)
        if verb == "Start":
            return {"JobId": self._start(call, ANALYSES[name])}
        return self._get(call, ANALYSES[name])

    def _start(self, call: Call, analysis: Analysis) -> str:
        now = self.clock.now()
        with self._lock:
            if known := self._jobs.known(call, now - self.settings.kept_seconds):
                self._replays += 1
                return known.id
        self._look_at(call)
        with self._lock:
            if known := self._jobs.known(call, now - self.settings.kept_seconds):
                self._replays += 1  # the same request came twice at once
                return known.id
            if self._jobs.running_with(call) >= self.settings.concurrent:
                raise Refused(*LIMIT)
            job = self._made(call, analysis, now)
            self._jobs.add(job)
        if "event_before_reply" in job.quirks:
            self._end(job)
        self.clock.wake()
        return job.id

    def _made(self, call: Call, analysis: Analysis, now: float) -> Job:
        key = self.video(call)
        met = self.faults.all_taken(JOB_FAULTS, call.operation, key)
        quirks = {fault.what: fault.reason or JOB_FAULTS[fault.what] for fault in met}
        ends = None if "never_ends" in quirks else now + self.settings.running_seconds
        return Job(
            id=self._jobs.next_id(),
            number=len(self._jobs.by_id),
            analysis=analysis,
            call=call,
            content=changed(self.settings.content(key), quirks),
            quirks=quirks,
            started=now,
            ends=ends,
        )

    def _look_at(self, call: Call) -> None:
        """Check that S3 has the object, if the settings name a server. Raises Refused."""
        stored = call.request["Video"].get("S3Object", {})
        if not {"Bucket", "Name"} <= stored.keys():
            raise Refused("InvalidParameterException", "Request has invalid parameters")
        if self.settings.s3 is None:
            return
        version = {"VersionId": stored["Version"]} if "Version" in stored else {}
        s3 = client("s3", self.settings.s3, call.account, s3={"addressing_style": "path"})
        try:
            s3.head_object(Bucket=stored["Bucket"], Key=stored["Name"], **version)
        except ClientError as error:
            raise Refused("InvalidS3ObjectException", NO_OBJECT) from error

    def _get(self, call: Call, analysis: Analysis) -> dict[str, Any]:
        now = self.clock.now()
        with self._lock:
            job = self._jobs.by_id.get(call.request["JobId"])
            gone = job and job.ends and now > job.ends + self.settings.kept_seconds
            owner = job and (job.call.account, job.call.region) == (call.account, call.region)
            if not job or gone or not owner or job.analysis is not analysis:
                raise Refused("ResourceNotFoundException", "Could not find JobId")
            told = page(job, call.request, self.settings, now)
        later = "NextToken" in call.request
        fault = self.faults.taken(GET_FAULTS, call.operation, job.object["Name"], later)
        return misreported(fault.what, told, analysis.rows) if fault else told

    def sample(self, operation: str, reply: dict[str, Any]) -> dict[str, Any]:
        """Return the reply with all rows that a test gave, but only the first 25 generated ones.

        The model does not know the undocumented status, which is a fault made on purpose.
        """
        if reply.get("JobStatus") == UNDOCUMENTED:
            reply = reply | {"JobStatus": RUNNING}
        analysis = ANALYSES.get(operation.removeprefix("Get"))
        job = self._jobs.by_id.get(reply.get("JobId", ""))
        if not analysis or not job or analysis.name in job.content.given:
            return reply
        return reply | {analysis.rows: reply[analysis.rows][:_ROWS_CHECKED]}

    def books(self) -> dict[str, Any]:
        """Return the books.

        `submissions` made or found a job; `replays` are those that found one. `billed` has minutes
        by meter. `peak` and `running` are by account and region, `calls` by outcome.
        """
        with self._lock:
            jobs = self._jobs
            return {
                "jobs": [job.entry() for job in jobs.by_id.values()],
                "submissions": len(jobs.by_id) + self._replays,
                "replays": self._replays,
                "billed": jobs.billed(),
                "peak": {"/".join(place): most for place, most in jobs.peaks.items()},
                "running": {"/".join(place): len(now) for place, now in jobs.running.items()},
                "calls": self.calls.told(),
                "events": list(self._events.published),
            }

    def configure(self, changes: dict[str, Any]) -> None:
        """Change settings. Running jobs keep theirs."""
        with self._lock:
            self.settings = Settings.model_validate({**self.settings.model_dump(), **changes})

    def close(self) -> None:
        """Stop the thread that ends jobs."""
        self._alarm.close()

    def _end_due(self) -> float | None:
        with self._lock:
            due = self._jobs.due(self.clock.now())
        for job in due:
            self._end(job)
        with self._lock:
            return min((j.ends for j in self._jobs.all_running() if j.ends), default=None)

    def _end(self, job: Job) -> None:
        with self._lock:
            if job.status != RUNNING:
                return
            self._jobs.end(job)
        self._events.tell(job, self.settings, self.clock.now())
