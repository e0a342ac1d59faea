"""The meaning of each error code and connection failure of AWS."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from botocore import exceptions
from botocore.parsers import ResponseParserError

from video_pipeline.domain.errors import ConfigurationError, FailureCategory, ProviderError
from video_pipeline.domain.unit_policy import is_of_the_request
from video_pipeline.providers.aws.errors import Meaning, provider_errors

F = FailureCategory


def meaning_of(error: Exception, own: dict[str, Meaning] | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as raised, provider_errors("here", own):
        raise error
    assert raised.value.__cause__ is error
    return raised.value


def answer(
    code: str,
    status: int = 400,
    message: str = "told",
    operation: str = "StartLabelDetection",
    **more: str,
) -> exceptions.ClientError:
    said = {"Code": code, "Message": message}
    headers = {"retry-after": "7", **more}
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers}
    return exceptions.ClientError({"Error": said, "ResponseMetadata": metadata}, operation)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "status", "category", "accepted", "remedy"),
    [
        ("ThrottlingException", 400, F.THROTTLED, False, "quota"),
        ("ThrottlingException", 500, F.THROTTLED, False, "quota"),
        ("ProvisionedThroughputExceededException", 400, F.THROTTLED, False, "quota"),
        ("UnknownCode", 429, F.THROTTLED, False, "quota"),
        ("LimitExceededException", 400, F.CONCURRENCY, False, "waits for its turn"),
        ("AccessDeniedException", 400, F.AUTH, False, "policy"),
        ("403", 403, F.AUTH, False, "policy"),
        ("ExpiredTokenException", 400, F.AUTH, False, "Log in again"),
        ("ExpiredToken", 400, F.AUTH, False, "Log in again"),
        ("UnrecognizedClientException", 400, F.AUTH, False, "Set the credentials"),
        ("InvalidSignatureException", 400, F.AUTH, False, "Set the credentials"),
        ("RequestTimeTooSkewed", 403, F.AUTH, False, "Set this machine's clock"),
        ("SubscriptionRequiredException", 400, F.AUTH, False, "suspended"),
        ("OptInRequired", 403, F.AUTH, False, "suspended"),
        ("KMS.DisabledException", 400, F.AUTH, False, "kms:Decrypt"),
        ("InvalidS3ObjectException", 400, F.PROVIDER_FAILED, False, "region"),
        ("VideoTooLargeException", 400, F.INPUT_REJECTED, False, "another provider"),
        ("IdempotentParameterMismatchException", 400, F.UNSUPPORTED, True, "as they were"),
        ("ResourceNotFoundException", 400, F.RESULT_EXPIRED, False, "made anew"),
        ("InvalidParameterException", 400, F.UNSUPPORTED, False, "Report it"),
        ("UnknownCode", 400, F.PROVIDER_FAILED, False, "Report it"),
        ("UnknownCode", 404, F.PROVIDER_FAILED, False, "Report it"),
        ("UnknownCode", 408, F.TRANSIENT, True, "later"),
        ("RequestTimeout", 400, F.TRANSIENT, True, "later"),
        ("RequestTimeoutException", 400, F.TRANSIENT, True, "later"),
        ("KMS.ThrottlingException", 400, F.THROTTLED, False, "quota"),
        ("InternalServerError", 500, F.TRANSIENT, True, "later"),
        ("ServiceUnavailable", 503, F.TRANSIENT, True, "later"),
        ("UnknownCode", 502, F.TRANSIENT, True, "later"),
    ],
)
def test_code_has_one_meaning(
    code: str, status: int, category: FailureCategory, accepted: bool, remedy: str
) -> None:
    error = meaning_of(answer(code, status))
    assert (error.category, error.accepted) == (category, accepted)
    assert remedy in error.remedy
    assert "StartLabelDetection" in error.what and code in error.what
    assert error.retry_after == 7


@pytest.mark.parametrize(
    ("error", "accepted"),
    [
        (exceptions.EndpointConnectionError(endpoint_url="x"), False),
        (exceptions.ConnectTimeoutError(endpoint_url="x"), False),
        (exceptions.ProxyConnectionError(proxy_url="x"), False),
        (exceptions.SSLError(endpoint_url="x", error="CERTIFICATE_VERIFY_FAILED"), False),
        (exceptions.SSLError(endpoint_url="x", error="EOF occurred"), True),
        (exceptions.ReadTimeoutError(endpoint_url="x"), True),
        (exceptions.ConnectionClosedError(endpoint_url="x"), True),
        (exceptions.HTTPClientError(error="reset"), True),
        (exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2), True),
        (ResponseParserError("no JSON"), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_failed_connection_is_not_accepted(error: Exception, accepted: bool) -> None:
    found = meaning_of(error)
    assert (found.category, found.accepted) == (F.TRANSIENT, accepted)


@pytest.mark.parametrize(
    "said",
    [
        "Signature expired: 20261130T100000Z is now earlier than 20261130T195500Z",
        "Signature not yet current: 20261130T235900Z is still later than 20261130T200500Z",
    ],
)
def test_skewed_clock_is_not_wrong_credentials(said: str) -> None:
    error = meaning_of(answer("InvalidSignatureException", message=said))
    assert error.what.startswith("this machine's clock is wrong")
    assert "Set this machine's clock" in error.remedy


def test_refused_head_with_another_date_is_a_skewed_clock() -> None:
    then, now = "Mon, 01 Jan 2024 00:00:00 GMT", format_datetime(datetime.now(UTC))
    for date, says in ((then, "clock is wrong"), (now, "access is denied"), ("?", "denied")):
        assert says in meaning_of(answer("403", 403, date=date)).what


@pytest.mark.parametrize(
    ("error", "category", "says"),
    [
        (KeyError("JobStatus"), F.MALFORMED_RESULT, "is incomplete: it lacks JobStatus"),
        (AttributeError("'NoneType' object has no attribute 'get'"), F.TRANSIENT, "the form"),
        (TypeError("'int' object is not iterable"), F.TRANSIENT, "the form"),
        (ValueError("Invalid timestamp"), F.TRANSIENT, "Invalid timestamp"),
        (OverflowError("cannot convert"), F.TRANSIENT, "cannot convert"),
        (RecursionError("maximum recursion depth exceeded"), F.TRANSIENT, "nested too deep"),
    ],
)
def test_unfit_answer_is_told_in_plain_words(
    error: Exception, category: FailureCategory, says: str
) -> None:
    found = meaning_of(error)
    assert (found.category, found.accepted) == (category, True)
    assert says in found.what
    assert not any(name in str(found) for name in ("NoneType", "recursion", "KeyError", "int'"))


def test_missing_credentials_are_not_accepted() -> None:
    for error in (
        exceptions.NoCredentialsError(),
        exceptions.ProfileNotFound(profile="x"),
        exceptions.UnauthorizedSSOTokenError(),
        exceptions.LoginRefreshRequired(),
        exceptions.LoginTokenLoadError(error_msg="x"),
        exceptions.MetadataRetrievalError(error_msg="x"),
    ):
        found = meaning_of(error)
        assert (found.category, found.accepted) == (F.AUTH, False)


def test_invalid_own_request_is_unsupported() -> None:
    found = meaning_of(exceptions.ParamValidationError(report="MinConfidence"))
    assert (found.category, found.accepted) == (F.UNSUPPORTED, False)


def test_failed_assume_role_is_not_accepted() -> None:
    found = meaning_of(answer("InternalFailure", 500, operation="AssumeRole"))
    assert (found.category, found.accepted) == (F.TRANSIENT, False)


def test_denied_kms_key_is_named_under_any_code() -> None:
    said = "User is not authorized to perform: kms:Decrypt on the resource"
    for code in ("AccessDeniedException", "InvalidS3ObjectException", "BadRequestException"):
        found = meaning_of(answer(code, message=said))
        assert found.category is F.AUTH
        assert "kms:GenerateDataKey" in found.remedy


def test_server_error_mentioning_kms_is_transient() -> None:
    for code in ("InternalFailure", "UnknownCode", "KMS.InternalException"):
        found = meaning_of(answer(code, 500, message="KMS did not answer"))
        assert (found.category, found.accepted) == (F.TRANSIENT, True)


def test_missing_profile_is_not_about_the_request() -> None:
    found = meaning_of(ConfigurationError("no profile x", remedy="Mend it."))
    assert (found.category, found.accepted, found.remedy) == (F.AUTH, False, "Mend it.")
    assert not is_of_the_request(found.category)


def test_service_overrides_a_code() -> None:
    own = {"LimitExceededException": Meaning(F.THROTTLED, "too many", "Wait.")}
    assert meaning_of(answer("LimitExceededException"), own).category is F.THROTTLED


def test_own_error_passes() -> None:
    ours = ProviderError("said", category=F.AUTH, remedy="Do.", accepted=False)
    with pytest.raises(ProviderError) as raised, provider_errors("here"):
        raise ours
    assert raised.value is ours
