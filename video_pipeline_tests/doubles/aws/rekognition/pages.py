"""Pages of results: the reply, and its NextToken, which belongs to one job and view and expires."""

import base64
from typing import Any

from video_pipeline.testing.service import Refused
from video_pipeline_tests.doubles.aws.rekognition.content import Settings
from video_pipeline_tests.doubles.aws.rekognition.jobs import SUCCEEDED, Job
from video_pipeline_tests.doubles.aws.rekognition.operations import SEGMENTS, rows_of
from video_pipeline_tests.doubles.aws.rekognition.quirks import bent
from video_pipeline_tests.doubles.aws.rekognition.rows import Rows

_MODEL_VERSION = "3.0"


def page(job: Job, asked: dict[str, Any], settings: Settings, now: float) -> dict[str, Any]:
    """Return the reply to a Get. Raises Refused if its token is invalid or expired."""
    told = _job(job)
    if job.status != SUCCEEDED:
        return told | {job.analysis.rows: []}
    rows = _view(job, asked)
    start = _start(job, asked, now)
    stop = start + min(asked.get("MaxResults", settings.page_rows), settings.page_rows)
    told |= _about(job, asked) | {job.analysis.rows: rows.part(start, stop)}
    if stop < rows.count:
        told["NextToken"] = _token(job, asked, stop, now + settings.page_token_seconds)
    return told


def _job(job: Job) -> dict[str, Any]:
    told = {"JobStatus": job.status, "JobId": job.id, "Video": job.request["Video"]}
    if "JobTag" in job.request:
        told["JobTag"] = job.request["JobTag"]
    if job.message:
        told["StatusMessage"] = job.message
    return told


def _about(job: Job, asked: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of every page: lists for segments, structures for other operations."""
    metadata = job.content.metadata()
    if job.analysis is SEGMENTS:
        audio = {"Codec": "aac", "DurationMillis": job.content.milliseconds}
        kinds = job.request["SegmentTypes"]
        return {
            "VideoMetadata": [metadata],
            "AudioMetadata": [audio | {"SampleRate": 48000, "NumberOfChannels": 2}],
            "SelectedSegmentTypes": [{"Type": k, "ModelVersion": _MODEL_VERSION} for k in kinds],
        }
    told: dict[str, Any] = {"VideoMetadata": metadata}
    if job.analysis.version:
        told[job.analysis.version] = _MODEL_VERSION
    if job.analysis.name in ("LabelDetection", "ContentModeration"):
        told["GetRequestMetadata"] = {
            "SortBy": asked.get("SortBy", "TIMESTAMP"),
            "AggregateBy": asked.get("AggregateBy", "TIMESTAMPS"),
        }
    return told


def _view(job: Job, asked: dict[str, Any]) -> Rows:
    key = (asked.get("SortBy"), asked.get("AggregateBy"))
    if key not in job.views:
        made = rows_of(job.analysis, job.seed, job.content, job.request, asked)
        job.views[key] = bent(made, job.content, job.quirks)
    return job.views[key]


def _token(job: Job, asked: dict[str, Any], start: int, until: float) -> str:
    said = f"{job.id}|{_named(asked)}|{start}|{until}"
    return base64.b64encode(said.encode()).decode()


def _named(asked: dict[str, Any]) -> str:
    return f"{asked.get('SortBy', '')}{asked.get('AggregateBy', '')}"


def _start(job: Job, asked: dict[str, Any], now: float) -> int:
    if "NextToken" not in asked:
        return 0
    try:
        said = base64.b64decode(asked["NextToken"], validate=True).decode()
        name, view, start, until = said.split("|")
    except ValueError:
        name, view, start, until = "", "", "0", "0"
    if name != job.id or view != _named(asked) or float(until) < now:
        raise Refused("InvalidPaginationTokenException", "Pagination token is not valid.")
    return int(start)
