"""What jobs are called here. AWS's JobId does not say of which analysis it is, and each is looked
up by an operation of its own: so a unit's job is `LabelDetection/<JobId>`."""

from collections.abc import Sequence
from typing import Any

from video_pipeline.providers.aws.rekognition.analyses import ANALYSES, BY_NAME, Analysis

_ENDED = ("SUCCEEDED", "FAILED", "ERROR")


def job_name(analysis: Analysis, job_id: str) -> str:
    """What a unit calls a job."""
    return f"{analysis.name}/{job_id}"


def parsed(job: str) -> tuple[Analysis, str] | None:
    """The analysis and JobId of a job; None for what is no job of ours."""
    name, _, job_id = job.partition("/")
    return (BY_NAME[name], job_id) if name in BY_NAME and job_id else None


def jobs_of(message: dict[str, Any]) -> Sequence[str]:
    """The job that a notification of Rekognition Video says has ended. Pure.

    The documentation writes `API` as StartLabelDetection and as LABEL_DETECTION; of what is
    written otherwise it may be any analysis' job, and only one of these is known to anybody.

    Format: "Reference: Video analysis results notification" of the developer guide.
    """
    job_id, status = message.get("JobId"), message.get("Status")
    if not isinstance(job_id, str) or not job_id or status not in _ENDED:
        return ()
    told = _plain(str(message.get("API", "")))
    meant = [one for one in ANALYSES if told in (_plain(one.start), _plain(one.name))]
    return [job_name(analysis, job_id) for analysis in meant or ANALYSES]


def _plain(text: str) -> str:
    return text.replace("_", "").lower()
