"""What Transcribe's words stand for where its code says less."""

from video_pipeline.domain.errors import FailureCategory
from video_pipeline.providers.aws.transcribe.reasons import refusal

LIMIT = "LimitExceededException"
TOO_LONG = "Your input file is too long. Use a smaller file and try your request again."
TOO_MANY = "You have too many concurrent requests. Try your request again later."
EITHER = (
    "You've either sent too many requests or your input file is too long. Wait before you retry."
)


def test_a_file_that_is_too_long_is_refused_for_good() -> None:
    meaning = refusal(LIMIT, TOO_LONG)[LIMIT]
    assert meaning.category is FailureCategory.INPUT_REJECTED and not meaning.accepted
    assert "too long" in meaning.what and "another provider" in meaning.remedy


def test_too_many_jobs_is_concurrency_with_unclear_text() -> None:
    for said in (TOO_MANY, EITHER, ""):
        assert refusal(LIMIT, said)[LIMIT].category is FailureCategory.CONCURRENCY
