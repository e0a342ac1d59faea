"""The vendor's errors by the name of the fault: code, HTTP status, message.

Codes and statuses are from the developer guide, "Error handling".
"""

from collections.abc import Mapping

NO_OBJECT = (
    "Unable to get object metadata from S3. Check object key, region and/or access permissions."
)
LIMIT = (
    "LimitExceededException",
    "Too many concurrent jobs: an Amazon Rekognition service limit was exceeded.",
)

REFUSALS: Mapping[str, tuple[str, int, str]] = {
    "throttled": ("ThrottlingException", 400, "Rate exceeded"),
    "throughput_exceeded": (
        "ProvisionedThroughputExceededException",
        400,
        "Provisioned rate exceeded",
    ),
    "limit_exceeded": (LIMIT[0], 400, LIMIT[1]),
    "server_error": ("InternalServerError", 500, "Internal server error"),
    "unavailable": ("ServiceUnavailable", 503, "Service unavailable"),
    "credentials_expired": (
        "ExpiredTokenException",
        400,
        "The security token included in the request is expired",
    ),
    "credentials_unknown": (
        "UnrecognizedClientException",
        400,
        "The security token included in the request is invalid.",
    ),
    "account_disabled": (
        "SubscriptionRequiredException",
        400,
        "The AWS Access Key Id needs a subscription for the service",
    ),
    "access_denied": (
        "AccessDeniedException",
        400,
        "User: arn:aws:sts::000000000000:assumed-role/ingest/worker is not authorized to perform "
        "this action because no identity-based policy allows it",
    ),
    "kms_denied": ("InvalidS3ObjectException", 400, NO_OBJECT),
    "object_invalid": ("InvalidS3ObjectException", 400, NO_OBJECT),
    "video_too_large": (
        "VideoTooLargeException",
        400,
        "The file size or duration of the supplied media is too large. The maximum file size is "
        "10GB. The maximum duration is 6 hours.",
    ),
    "token_mismatch": (
        "IdempotentParameterMismatchException",
        400,
        "A ClientRequestToken input parameter was reused with an operation, but at least one of "
        "the other input parameters is different from the previous call to the operation.",
    ),
    "page_token_expired": (
        "InvalidPaginationTokenException",
        400,
        "Pagination token is not valid.",
    ),
    "result_gone": ("ResourceNotFoundException", 400, "Could not find JobId"),
}
"""`kms_denied` cannot be distinguished from a missing object.

The vendor only says that it could not read the object's metadata.
"""
