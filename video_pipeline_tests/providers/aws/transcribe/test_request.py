"""What Amazon Transcribe is asked, held against its model, and what is refused beforehand."""

from fractions import Fraction
from typing import Any, cast

import botocore.session
import pytest
from botocore.validate import ParamValidator
from pydantic import ValidationError

from video_pipeline.domain.errors import FailureCategory
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.usage import Meter
from video_pipeline.plugins.base import AnalysisRequest, Refusal
from video_pipeline.providers.aws.transcribe import languages
from video_pipeline.providers.aws.transcribe import request as asking
from video_pipeline.providers.aws.transcribe.objects import There
from video_pipeline.providers.aws.transcribe.options import Entity
from video_pipeline.providers.aws.transcribe.plugin import TranscribePlugin
from video_pipeline.providers.aws.transcribe.reasons import failure
from video_pipeline_tests.providers.aws.transcribe.transcribing import (
    SOURCE,
    THEN,
    media,
    options,
    unit,
)

_SESSION = botocore.session.get_session()
MODEL = _SESSION.get_service_model("transcribe")
MEANT = {"video-pipeline-version": "v1", "video-pipeline-etag": "e1"}
ROLE = "arn:aws:iam::123456789012:role/reads-media"


def asked(language: str | None = None, **given: Any) -> dict[str, Any]:
    """The request, held against the service's model."""
    chosen = options(**given)
    one = unit(TranscribePlugin(chosen), language)
    request = asking.job_request(chosen, one, media(), There(SOURCE.uri, "v1", "e1", THEN))
    shape = MODEL.operation_model("StartTranscriptionJob").input_shape
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()
    ways = {"LanguageCode", "IdentifyLanguage", "IdentifyMultipleLanguages"}
    assert len(ways & set(request)) == 1
    return request


def refused(language: str | None = None, facts: MediaInfo | None = None, **given: Any) -> str:
    plugin = TranscribePlugin(options(**given))
    planned = plugin.plan(AnalysisRequest(media=facts or media(), language=language))
    assert isinstance(planned, Refusal)
    return planned.reason


def _enumeration(name: str) -> set[str]:
    return set(cast("Any", MODEL.shape_for(name)).enum)


def test_constants_match_the_installed_model() -> None:
    assert _enumeration("LanguageCode") == languages.CODES
    assert _enumeration("PiiEntityType") == set(Entity.__args__)
    assert set(asking.FORMATS.values()) == _enumeration("MediaFormat") - {"amr"}
    known = {
        region
        for partition in ("aws", "aws-cn", "aws-us-gov")
        for region in _SESSION.get_available_regions("transcribe", partition)
    }
    assert known == asking.REGIONS


@pytest.mark.parametrize("language", sorted(languages.LANGUAGES))
def test_every_language_has_one_code(language: str) -> None:
    code = languages.code_of(language, {})
    assert code in languages.CODES
    assert code.startswith(f"{language}-")


def test_language_code_is_the_default_or_named_dialect() -> None:
    assert asked("en")["LanguageCode"] == "en-US"
    assert asked("en", dialects={"en": "en-GB"})["LanguageCode"] == "en-GB"
    assert asked(languages=["de-CH"])["LanguageCode"] == "de-CH"


def test_missing_language_is_identified_among_named_ones() -> None:
    assert asked()["IdentifyLanguage"] is True
    assert asked(languages=["en", "de"])["LanguageOptions"] == ["en-US", "de-DE"]
    several = asked(languages=["en", "es-US"], identify="several")
    assert several["IdentifyMultipleLanguages"] is True
    assert "LanguageOptions" not in asked(identify="several")


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "console.aws.amazon.com"),
        ("cn-north-1", "console.amazonaws.cn"),
        ("us-gov-west-1", "console.amazonaws-us-gov.com"),
    ],
)
def test_console_url_is_of_the_units_region(region: str, host: str) -> None:
    plugin = TranscribePlugin(options(region=region))
    running = unit(plugin, "en").model_copy(update={"job": "job-1"})
    moved = TranscribePlugin(options(region="eu-west-2"))
    page = f"https://{host}/transcribe/home?region={region}#job-details/job-1"
    assert plugin.console_url(running) == moved.console_url(running) == page


def test_console_url_of_another_endpoint_is_none() -> None:
    plugin = TranscribePlugin(options(endpoint="http://127.0.0.1:9"))
    assert plugin.console_url(unit(plugin, "en").model_copy(update={"job": "job-1"})) is None


def test_vocabularies_are_sent_with_their_language() -> None:
    given: dict[str, Any] = {
        "vocabularies": {"en": "names", "de": "Namen"},
        "vocabulary_filters": {"en": "rude"},
        "speakers": 4,
    }
    assert asked("en", **given)["Settings"] == {
        "ShowSpeakerLabels": True,
        "MaxSpeakerLabels": 4,
        "VocabularyName": "names",
        "VocabularyFilterName": "rude",
        "VocabularyFilterMethod": "mask",
    }
    identified = asked(languages=["en", "de"], **given)
    assert identified["LanguageIdSettings"] == {
        "en-US": {"VocabularyName": "names", "VocabularyFilterName": "rude"},
        "de-DE": {"VocabularyName": "Namen"},
    }
    assert identified["Settings"]["VocabularyFilterMethod"] == "mask"


def test_result_key_and_tags_name_project_and_video() -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/k"
    request = asked(
        "en",
        output={"bucket": "results", "prefix": "speech/"},
        kms_key=key,
        tags={"team": "archive", "project_id": "somebody else's"},
        deferred=True,
        data_access_role=ROLE,
    )
    of_unit = request["TranscriptionJobName"].removeprefix("video-pipeline-").partition("-")[0]
    place = f"speech/_raw/projects/acme/videos/one/{of_unit}/"
    assert request["OutputKey"] == f"{place}transcribe.json"
    assert request["OutputEncryptionKMSKeyId"] == key
    assert request["JobExecutionSettings"]["DataAccessRoleArn"] == ROLE
    tags = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    assert tags == {"team": "archive", "project_id": "acme", **MEANT}


def test_personal_data_is_redacted_where_the_service_can() -> None:
    found = asked("es", dialects={"es": "es-US"}, redact=["NAME", "EMAIL"])["ContentRedaction"]
    assert found["PiiEntityTypes"] == ["EMAIL", "NAME"]
    assert "not redact in es-ES" in refused("es", redact=["ALL"])
    assert "to be identified" in refused(redact=["ALL"])


def test_redaction_is_metered_beside_the_seconds() -> None:
    for redact, dimensions in (([], [""]), (["ALL"], ["", "redaction"])):
        plugin = TranscribePlugin(options(redact=redact, dialects={"en": "en-US"}))
        planned = plugin.plan(AnalysisRequest(media=media(), language="en"))
        assert not isinstance(planned, Refusal)
        assert [used.dimension for used in planned[0].usage] == dimensions
        assert {used.quantity for used in planned[0].usage} == {4}
        asked_for = unit(plugin, "en").request
        today = TranscribePlugin(options())
        assert today.usage(asked_for, media(), []) == planned[0].usage


def test_names_differ_by_generation_project_and_bucket() -> None:
    plugin = TranscribePlugin(options())
    units = [unit(plugin), unit(plugin, turn=1), unit(plugin, project="globex")]
    names = {asking.name_of(one.id, SOURCE.uri) for one in units}
    names.add(asking.name_of(units[0].id, SOURCE.uri.replace("ingest", "other")))
    assert len(names) == 4


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (media(audio={"duration": "2/5"}), "shorter than 0.5 s"),
        (media(audio={"channels": 6}), "6 channels, and 2 are the most: deliver it mixed down"),
        (media(audio={"sample_rate": 7_999}), "7,999 samples a second, and 8,000 to 48,000"),
        (media(audio={"sample_rate": 96_000}), "96,000 samples a second"),
        (media("ogg", audio={"codec": "vorbis"}), "Opus only"),
        (media("matroska", audio={"codec": "opus"}), "h264 is no video of WebM"),
        (media("mov"), "does not take mov"),
        (media("avi"), "does not take avi"),
        (media(duration=Fraction(4 * 3600 + 1)), "longer than 14400 s"),
        (media(size=2 * 1024**3 + 1), "larger than 2,048 MiB"),
        (media().model_copy(update={"audio": None}), "no audio"),
    ],
)
def test_unsupported_media_is_refused_before_start(facts: MediaInfo, reason: str) -> None:
    assert reason in refused("en", facts)


def test_webm_and_ogg_with_opus_are_taken() -> None:
    opus = {"codec": "libopus"}
    vp9 = media().video
    assert vp9 is not None
    webm = media("matroska", audio=opus, video=vp9.model_copy(update={"codec": "vp9"}))
    for facts in (webm, media("ogg", audio=opus, video=None)):
        plugin = TranscribePlugin(options())
        assert not isinstance(plugin.plan(AnalysisRequest(media=facts)), Refusal)


def test_source_must_be_in_s3_of_the_same_region() -> None:
    plugin = TranscribePlugin(options())
    elsewhere = plugin.plan(AnalysisRequest(media=media(), uri="file:///videos/a.mp4"))
    assert isinstance(elsewhere, Refusal) and "s3://" in elsewhere.reason
    assert "region ap-northeast-3" in refused("en", region="ap-northeast-3")


def test_vocabulary_of_unnamed_language_is_refused() -> None:
    assert "de-DE" in refused(vocabularies={"de": "Namen"})
    many = dict.fromkeys(("en", "de", "fr", "es", "it", "pt"), "names")
    assert "2 to 5 languages" in refused(vocabularies=many, languages=list(many))
    one: dict[str, Any] = {"vocabularies": {"de": "Namen"}, "vocabulary_filters": {"de": "derb"}}
    assert "not for 1" in refused(languages=["en", "de"], **one)
    assert asked("de", **one)["Settings"]["VocabularyName"] == "Namen"


@pytest.mark.parametrize("name", ["vocabularies", "vocabulary_filters"])
def test_second_vocabulary_of_a_language_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=f"{name}: a language is named twice"):
        options(**{name: {"en": "a", "en-US": "b"}})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"languages": ["tlh"]}, "no language of Amazon Transcribe"),
        ({"languages": ["en", "en-US"]}, "named twice"),
        ({"languages": ["en"], "identify": "several"}, "cannot be identified among one"),
        ({"dialects": {"en": "de-DE"}}, "no code of 'en'"),
        ({"deferred": True}, "both or neither"),
        ({"speakers": 31}, "less than or equal to 30"),
        ({"output": {"bucket": "Not A Bucket"}}, "pattern"),
        ({"output": None}, "output"),
        ({"surprise": 1}, "Extra inputs"),
    ],
)
def test_contradictory_options_are_reported(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        options(**given)


def test_options_without_effect_on_result_are_not_hashed() -> None:
    plain = options()
    changed = options(
        output={"bucket": "elsewhere"}, tags={"a": "b"}, concurrent_jobs=10, deadline_hours=3
    )
    assert plain.model_dump(mode="json") == changed.model_dump(mode="json")
    assert plain.model_dump(mode="json") != options(speakers=2).model_dump(mode="json")


def test_each_second_of_audio_begun_is_paid() -> None:
    used = unit(TranscribePlugin(options())).planned[0]
    assert (used.meter, used.quantity, used.paid) == (Meter.AUDIO_SECONDS, 4, True)


def test_recorded_job_is_compared_by_its_request() -> None:
    request = asked("en", speakers=2)
    recorded = {
        **request,
        "Settings": {**request["Settings"], "ChannelIdentification": False},
        "TranscriptionJobStatus": "IN_PROGRESS",
    }
    assert asking.differences(request, recorded) == []
    other = {
        **recorded,
        "Media": {"MediaFileUri": "s3://ingest/other.mp4"},
        "LanguageCode": "fr-FR",
    }
    assert asking.differences(request, other) == ["LanguageCode", "Media"]
    identified = asked(languages=["en", "de"])
    found = {**identified, "LanguageCode": "de-DE", "LanguageOptions": ["de-DE", "en-US"]}
    assert asking.differences(identified, found) == []


@pytest.mark.parametrize(
    ("reason", "category"),
    [
        (
            "The media format provided does not match the detected media format.",
            FailureCategory.INPUT_REJECTED,
        ),
        ("Invalid file size: file size too large.", FailureCategory.INPUT_REJECTED),
        ("The S3 URI that you provided can't be accessed.", FailureCategory.AUTH),
        ("The KMS key can't be used.", FailureCategory.AUTH),
        ("The output bucket that you provided can't be written to.", FailureCategory.AUTH),
        ("The specified S3 bucket isn't in the same region.", FailureCategory.UNSUPPORTED),
        ("The requested vocabulary couldn't be found.", FailureCategory.UNSUPPORTED),
        ("Internal failure. Try again.", FailureCategory.PROVIDER_FAILED),
        ("", FailureCategory.PROVIDER_FAILED),
    ],
)
def test_a_job_fails_for_the_reason_that_it_gives(reason: str, category: FailureCategory) -> None:
    found = failure(reason)
    assert found.category is category
    assert reason.rstrip(".") in found.message
