"""Transcribe's errors by the name of the fault, and the faults that a job can have."""

from collections.abc import Mapping

MISSING_JOB = "The requested job couldn't be found. Check the job name and try your request again."
NAME_TAKEN = "The requested job name already exists. Use a different job name."
UNREADABLE = (
    "The S3 URI that you provided can't be accessed. Make sure that you have read permission and "
    "try your request again."
)
TOO_MANY = "You have too many concurrent requests. Try your request again later."

REFUSALS: Mapping[str, tuple[str, int, str]] = {
    "limit_exceeded": ("LimitExceededException", 400, TOO_MANY),
    "media_too_long": (
        "LimitExceededException",
        400,
        "Your input file is too long. Use a smaller file and try your request again.",
    ),
    "throttled": ("ThrottlingException", 400, "Rate exceeded"),
    "conflict": ("ConflictException", 400, NAME_TAKEN),
    "bad_request": (
        "BadRequestException",
        400,
        "The data in your input media file isn't valid. Check your media file and try your "
        "request again.",
    ),
    "media_unreadable": ("BadRequestException", 400, UNREADABLE),
    "server_error": ("InternalFailureException", 500, "There was an internal error."),
    "unavailable": ("ServiceUnavailable", 503, "Service unavailable"),
    "credentials_expired": (
        "ExpiredTokenException",
        400,
        "The security token included in the request is expired",
    ),
    "access_denied": (
        "AccessDeniedException",
        400,
        "User: arn:aws:sts::000000000000:assumed-role/ingest/worker is not authorized to perform "
        "this action because no identity-based policy allows it",
    ),
    "kms_denied": (
        "BadRequestException",
        400,
        "The specified KMS key does not exist or is not allowed to be used with the output bucket.",
    ),
    "job_gone": ("BadRequestException", 400, MISSING_JOB),
}

JOB_FAULTS: Mapping[str, str] = {
    "job_failed": "The media format that you specified doesn't match the detected media format.",
    "no_audio": "Your input media file doesn't contain an audio track.",
    "queued_for_ever": "",
    "never_ends": "",
    "event_lost": "",
    "event_twice": "",
    "event_before_reply": "",
    "event_of_unknown_job": "",
    "output_missing": "",
    "output_foreign": "",
    "output_malformed": "",
    "no_words": "",
}
"""Each fault with the vendor's message, empty if there is none."""
FOREIGN, ODD_STATUS, STATUS_FLIPS = GET_FAULTS = "foreign_answer", "odd_status", "status_flips"
"""Faults of a Get: the reply is about another job, has a status that no documentation names, or
says of an ended job that it runs."""
