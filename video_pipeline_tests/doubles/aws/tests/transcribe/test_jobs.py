"""Jobs as the developer guide describes them: names, queues, results, lists, bills."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from video_pipeline.testing import started
from video_pipeline_tests.doubles.aws.tests.transcribe.asking import ended, get, result, start
from video_pipeline_tests.doubles.aws.tests.transcribe.conftest import Stage

PII = {"RedactionType": "PII", "RedactionOutput": "redacted_and_unredacted"}
SPEAKERS = {"ShowSpeakerLabels": True, "MaxSpeakerLabels": 2}


def test_job_writes_its_result_to_the_requested_key(stage: Stage, client: Any) -> None:
    start(client, stage.bucket, Settings=SPEAKERS)
    job = ended(client)
    uri = f"https://s3.us-east-1.amazonaws.com/{stage.bucket}/results/unit-1.json"
    assert job["Transcript"] == {"TranscriptFileUri": uri}
    told = result(stage.s3, stage.bucket)["results"]
    words = [item for item in told["items"] if item["type"] == "pronunciation"]
    stops = [item for item in told["items"] if item["type"] == "punctuation"]
    assert (len(words), len(stops)) == (60, 10)
    assert {word["speaker_label"] for word in words} == {"spk_0", "spk_1"}
    assert isinstance(words[0]["start_time"], str)
    assert all("start_time" not in stop for stop in stops)
    assert told["speaker_labels"]["speakers"] == 2
    assert stage.double.books()["billed"] == {"Transcription": 60}


def test_a_queued_job_is_in_progress_later(stage: Stage, client: Any) -> None:
    stage.double.configure(queued_seconds=100, running_seconds=50)
    assert start(client, stage.bucket)["TranscriptionJobStatus"] == "QUEUED"
    stage.double.advance(101)
    for _ in range(100):
        if (status := get(client)["TranscriptionJobStatus"]) != "QUEUED":
            break
    assert status == "IN_PROGRESS"
    stage.double.advance(51)
    assert ended(client)["TranscriptionJobStatus"] == "COMPLETED"


def test_name_is_in_use_until_its_job_is_deleted(stage: Stage, client: Any) -> None:
    start(client, stage.bucket)
    ended(client)
    with pytest.raises(client.exceptions.ConflictException):
        start(client, stage.bucket)
    client.delete_transcription_job(TranscriptionJobName="unit-1")
    with pytest.raises(ClientError, match=r"BadRequestException.*couldn't be found"):
        get(client)
    start(client, stage.bucket)
    ended(client)
    assert [job["name"] for job in stage.double.books()["jobs"]] == ["unit-1", "unit-1"]


def test_a_name_is_free_in_another_account(stage: Stage, client: Any) -> None:
    start(client, stage.bucket)
    stage.double.configure(s3=None)
    other = stage.double.client("transcribe", account="222222222222")
    with pytest.raises(ClientError, match="couldn't be found"):
        get(other)
    start(other, stage.bucket)


def test_redaction_writes_a_second_result(stage: Stage, client: Any) -> None:
    start(client, stage.bucket, ContentRedaction=PII)
    assert set(ended(client)["Transcript"]) == {"TranscriptFileUri", "RedactedTranscriptFileUri"}
    hidden = result(stage.s3, stage.bucket, "results/redacted-unit-1.json")
    assert "[PII]" in hidden["results"]["transcripts"][0]["transcript"]
    assert "[PII]" not in str(result(stage.s3, stage.bucket))
    assert stage.double.books()["billed"] == {"Transcription": 60, "Redaction": 60}


def test_languages_are_identified(stage: Stage, client: Any) -> None:
    stage.double.configure(media={"*": {"languages": ["de-DE", "fr-FR"]}})
    start(client, stage.bucket, "one", IdentifyLanguage=True)
    start(client, stage.bucket, "many", IdentifyMultipleLanguages=True)
    assert ended(client, "one")["LanguageCode"] == "de-DE"
    codes = [found["LanguageCode"] for found in ended(client, "many")["LanguageCodes"]]
    assert codes == ["de-DE", "fr-FR"]
    told = result(stage.s3, stage.bucket, "results/many.json")["results"]
    assert {item["language_code"] for item in told["items"]} == {"de-DE", "fr-FR"}


def test_the_list_is_paged_newest_first_and_filtered(stage: Stage, client: Any) -> None:
    names = [*(f"acme-{number}" for number in range(7)), "beta-0"]
    for name in names:
        start(client, stage.bucket, name)
    for name in names:
        ended(client, name)
    asked = {"Status": "COMPLETED", "JobNameContains": "acme", "MaxResults": 4}
    first = client.list_transcription_jobs(**asked)
    second = client.list_transcription_jobs(**asked, NextToken=first["NextToken"])
    pages = [
        [job["TranscriptionJobName"][-1] for job in page["TranscriptionJobSummaries"]]
        for page in (first, second)
    ]
    assert pages == [["6", "5", "4", "3"], ["2", "1", "0"]]
    assert "NextToken" not in second


@pytest.mark.parametrize(
    "more",
    [
        {"IdentifyLanguage": True, "LanguageCode": "en-US"},
        {"Settings": {"ShowSpeakerLabels": True}},
        {"Settings": {"ShowSpeakerLabels": True, "MaxSpeakerLabels": 31}},
        {"Settings": {"VocabularyName": "unknown"}},
        {"OutputKey": "no spaces"},
        {"MediaFormat": "avi"},
        {"Media": {"MediaFileUri": "s3://nowhere/a.mp4"}},
    ],
)
def test_invalid_request_is_refused(stage: Stage, client: Any, more: dict[str, Any]) -> None:
    stage.double.configure(vocabularies=["names"])
    with pytest.raises((ClientError, ValueError), match="BadRequestException"):
        start(client, stage.bucket, **more)
    assert stage.double.books()["jobs"] == []


def test_jobs_beyond_the_limit_are_refused(stage: Stage, client: Any) -> None:
    stage.double.configure(concurrent=1, running_seconds=100)
    start(client, stage.bucket)
    with pytest.raises(client.exceptions.LimitExceededException, match="concurrent"):
        start(client, stage.bucket, "unit-2")
    assert stage.double.books()["peak"] == {"000000000000/us-east-1": 1}


def test_end_event_has_the_envelope_of_eventbridge(stage: Stage, client: Any) -> None:
    start(client, stage.bucket)
    [event] = stage.queue.bodies(wait_seconds=5)
    assert (event["source"], event["detail-type"]) == (
        "aws.transcribe",
        "Transcribe Job State Change",
    )
    assert event["detail"] == {
        "TranscriptionJobName": "unit-1",
        "TranscriptionJobStatus": "COMPLETED",
    }


def test_double_works_in_a_separate_process() -> None:
    with started("video_pipeline_tests.doubles.aws.transcribe", ["--settings", "{}"]) as double:
        start(double.client("transcribe"), "media")
        assert double.books()["submissions"] == 1
