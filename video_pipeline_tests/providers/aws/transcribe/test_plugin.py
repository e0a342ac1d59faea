"""Jobs of Amazon Transcribe, against a server that transcribes, with S3, EventBridge and SQS."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.plugins.base import Slots
from video_pipeline.plugins.conformance import Sample, TranscriptionConformance, drawn_sample
from video_pipeline.plugins.inputs import Inputs, ObjectRef
from video_pipeline.providers.aws.transcribe.plugin import TranscribePlugin
from video_pipeline.providers.aws.transcribe.request import name_of
from video_pipeline_tests.providers.aws.transcribe.transcribing import (
    Speech,
    ended,
    media,
    speech,
    unit,
)
from video_pipeline_tests.servers.buckets import Servers
from video_pipeline_tests.servers.s3_answers import Answer, answering
from video_pipeline_tests.servers.s3_servers import S3Server


@pytest.fixture
def server(servers: Servers) -> S3Server:
    return servers["ministack"]


@pytest.fixture
def stage(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Speech:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint)
    return speech(server)


class TestConformance(TranscriptionConformance):
    @pytest.fixture
    def plugin(self, stage: Speech) -> TranscribePlugin:
        return stage.plugin(speakers=3)

    @pytest.fixture
    def sample(self, stage: Speech, tmp_path: Path) -> Sample:
        drawn = drawn_sample(tmp_path, None)
        return Sample(drawn.media, Inputs(object=stage.deliver()))

    @pytest.fixture
    def confused(self, stage: Speech) -> Callable[[str], None]:
        return lambda job: rewrite_results(stage, lambda found: found | {"jobName": "another"})


def rewrite_results(stage: Speech, change: Callable[[dict[str, Any]], Any]) -> None:
    """Replace the results in the bucket by changed ones."""
    s3, bucket = stage.client("s3"), stage.results
    for stored in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        found = json.loads(s3.get_object(Bucket=bucket, Key=stored["Key"])["Body"].read())
        s3.put_object(Bucket=bucket, Key=stored["Key"], Body=json.dumps(change(found)).encode())


def submit(
    plugin: TranscribePlugin, source: ObjectRef, turn: int = 0, project: str = "acme"
) -> str:
    """The name of the job that was submitted."""
    one = unit(plugin, "en", project, turn)
    taken = plugin.submit(one, media(), Inputs(object=source))
    assert taken.job == name_of(one.id, source.uri)
    return taken.job


def refused(plugin: TranscribePlugin, source: ObjectRef) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        submit(plugin, source)
    return raised.value


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda found: found | {"jobName": "another"}, "the result of another job, another"),
        (lambda found: {"jobName": found["jobName"]}, "there are no results"),
        (lambda found: [found], "there are no results"),
    ],
)
def test_foreign_or_malformed_result_is_fetched_later(
    stage: Speech, change: Callable[[dict[str, Any]], Any], says: str
) -> None:
    plugin = stage.plugin()
    job = submit(plugin, stage.deliver())
    assert ended(plugin, job).state == "succeeded"
    rewrite_results(stage, change)
    with pytest.raises(ProviderError) as refused:
        list(plugin.fetch(job))
    assert refused.value.category is FailureCategory.TRANSIENT
    assert says in refused.value.what and stage.results in refused.value.where


def test_result_without_a_name_is_taken(stage: Speech) -> None:
    plugin = stage.plugin()
    job = submit(plugin, stage.deliver())
    assert ended(plugin, job).state == "succeeded"
    rewrite_results(stage, lambda found: {"results": found["results"]})
    assert len(list(plugin.fetch(job))) == 2


def test_job_returns_its_record_and_stored_result(stage: Speech) -> None:
    plugin = stage.plugin(speakers=2, output={"bucket": stage.results, "prefix": "speech/"})
    job = submit(plugin, stage.deliver())
    assert ended(plugin, job).state == "succeeded"
    record, result = plugin.fetch(job)
    key = f"speech/_raw/projects/acme/videos/one/{unit(plugin, 'en').id}/transcribe.json"
    stored = stage.client("s3").get_object(Bucket=stage.results, Key=key)
    assert result == stored["Body"].read()
    assert json.loads(record)["Media"]["MediaFileUri"].startswith(f"s3://{stage.ingest}/")
    one = unit(plugin, "en")
    found = plugin.normalise(one.request, media(duration=60), [record, result])
    assert found.language == "en"
    assert found.speakers == ("spk_0", "spk_1")
    assert plugin.usage(one.request, media(), [record, result])[0].quantity == 4


def test_two_projects_have_jobs_and_results_of_their_own(stage: Speech) -> None:
    plugin = stage.plugin()
    ours = submit(plugin, stage.deliver())
    theirs = submit(plugin, stage.deliver(project="globex"), project="globex")
    assert ours != theirs
    assert {ended(plugin, job).state for job in (ours, theirs)} == {"succeeded"}
    said = [
        json.loads(list(plugin.fetch(job))[1])["results"]["transcripts"] for job in (ours, theirs)
    ]
    assert said[0] != said[1]
    listed = stage.client("s3").list_objects_v2(Bucket=stage.results)["Contents"]
    assert sorted(one["Key"].split("/")[2] for one in listed) == ["acme", "globex"]


def test_repeated_request_is_the_same_job(stage: Speech) -> None:
    plugin, source = stage.plugin(speakers=2), stage.deliver()
    first = submit(plugin, source)
    assert submit(stage.plugin(speakers=2), source) == first
    assert len(stage.client("transcribe").list_transcription_jobs(JobNameContains=first)) > 0
    ended(plugin, first)
    assert submit(plugin, source) == first


def test_name_used_by_another_request_is_reported(stage: Speech) -> None:
    plugin, source = stage.plugin(), stage.deliver()
    stage.client("transcribe").start_transcription_job(
        TranscriptionJobName=name_of(unit(plugin, "en").id, source.uri),
        Media={"MediaFileUri": "s3://elsewhere/a.wav"},
        MediaFormat="wav",
        LanguageCode="en-US",
    )
    error = refused(plugin, source)
    assert "with other settings (Media, MediaFormat)" in str(error)
    assert not error.accepted


def test_object_replaced_before_start_is_not_paid(stage: Speech) -> None:
    plugin, source = stage.plugin(), stage.deliver(b"first")
    stage.deliver(b"second")
    error = refused(plugin, source)
    assert (error.category, error.accepted) == (FailureCategory.INPUT_REJECTED, False)
    assert "not the version that arrived" in str(error)
    assert not stage.client("transcribe").list_transcription_jobs(
        JobNameContains=name_of(unit(plugin, "en").id, source.uri)
    )["TranscriptionJobSummaries"]


@pytest.mark.parametrize("versions", [True, False])
def test_object_replaced_during_job_is_not_published(
    server: S3Server, stage: Speech, versions: bool
) -> None:
    place = speech(server, versions=versions)
    plugin, source = place.plugin(), place.deliver(b"first")
    job = submit(plugin, source)
    place.deliver(b"second")
    assert ended(plugin, job).state == "succeeded"
    with pytest.raises(ProviderError, match="was replaced while its job ran") as raised:
        list(plugin.fetch(job))
    assert raised.value.category is FailureCategory.INPUT_REJECTED


@pytest.mark.parametrize("versions", [True, False])
def test_same_bytes_stored_again_during_job_are_accepted(
    server: S3Server, stage: Speech, versions: bool
) -> None:
    place = speech(server, versions=versions)
    plugin, source = place.plugin(), place.deliver(b"first")
    job = submit(plugin, source)
    assert versions == (place.deliver(b"first").version != source.version)
    assert ended(plugin, job).state == "succeeded"
    assert len(list(plugin.fetch(job))) == 2


def test_a_job_submitted_before_it_was_replaced_is_found_again(stage: Speech) -> None:
    plugin, source = stage.plugin(), stage.deliver(b"first")
    job = submit(plugin, source)
    stage.deliver(b"second")
    assert submit(plugin, source) == job


def test_object_replaced_after_job_is_ignored(stage: Speech) -> None:
    plugin, source = stage.plugin(), stage.deliver(b"first")
    job = submit(plugin, source)
    ended(plugin, job)
    time.sleep(2.1)
    stage.deliver(b"second")
    assert len(list(plugin.fetch(job))) == 2


def test_deleted_object_fails_its_job_with_a_reason(stage: Speech) -> None:
    plugin, source = stage.plugin(), stage.deliver()
    job = submit(plugin, source)
    s3 = stage.client("s3")
    s3.delete_object(Bucket=stage.ingest, Key=source.uri.split("/", 3)[3])
    status = ended(plugin, job)
    assert status.failure is not None
    assert status.failure.category is FailureCategory.AUTH
    assert "cannot read the object" in status.failure.message


def test_missing_object_is_reported_before_payment(stage: Speech) -> None:
    gone = ObjectRef(uri=f"s3://{stage.ingest}/projects/acme/videos/one/b.mp4", version="v")
    assert "the object is gone" in str(refused(stage.plugin(), gone))


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (Answer(403, "AccessDenied"), "access is denied"),
        (Answer(500, "InternalError"), "broken for the moment"),
        (Answer(200), "it lacks ETag"),
    ],
)
def test_failed_look_at_the_source_is_not_billed(
    monkeypatch: pytest.MonkeyPatch, head: Answer, says: str
) -> None:
    with answering(head) as (server, asked):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint)
        made = Speech(server, "ingest", "results").plugin()
        error = refused(made, ObjectRef(uri="s3://ingest/a.mp4", version="v"))
        assert set(asked) == {"HEAD"}
    assert says in str(error) and not error.accepted


def test_an_output_bucket_that_is_missing_fails_the_job(stage: Speech) -> None:
    plugin = stage.plugin(output={"bucket": "nobody-has-this-bucket"})
    status = ended(plugin, submit(plugin, stage.deliver()))
    assert status.failure is not None
    assert "cannot write to the output bucket" in status.failure.message


def test_a_result_that_was_deleted_has_expired(stage: Speech) -> None:
    plugin = stage.plugin()
    job = submit(plugin, stage.deliver())
    ended(plugin, job)
    s3 = stage.client("s3")
    for one in s3.list_objects_v2(Bucket=stage.results)["Contents"]:
        s3.delete_object(Bucket=stage.results, Key=one["Key"])
    with pytest.raises(ProviderError, match="does not lie in the output bucket") as raised:
        list(plugin.fetch(job))
    assert raised.value.category is FailureCategory.RESULT_EXPIRED


def test_redacted_result_is_fetched(stage: Speech) -> None:
    plugin = stage.plugin(redact=["ALL"])
    job = submit(plugin, stage.deliver())
    ended(plugin, job)
    said = json.loads(list(plugin.fetch(job))[1])["results"]["transcripts"][0]["transcript"]
    assert "[PII]" in said


def test_many_jobs_are_looked_up_by_the_page(stage: Speech) -> None:
    plugin, source = stage.plugin(), stage.deliver()
    jobs = [submit(plugin, source, turn) for turn in range(24)]
    asked: list[str] = []
    events = plugin._session.asks().meta.events  # pyright: ignore[reportPrivateUsage]
    events.register("before-call.transcribe", lambda model, **_: asked.append(model.name))
    found = plugin.poll([*jobs, "video-pipeline-nobody"])
    assert found.keys() == set(jobs)
    assert asked.count("ListTranscriptionJobs") <= 25 // 6
    assert asked.count("GetTranscriptionJob") == 1


def test_a_running_job_cannot_be_stopped(stage: Speech) -> None:
    plugin = stage.plugin()
    job = submit(plugin, stage.deliver())
    assert plugin.cancel(job) is False
    assert ended(plugin, job).state == "succeeded"


def test_plugin_uses_the_slots_of_its_account(stage: Speech) -> None:
    assert stage.plugin().slots("transcribe") == Slots(shared_by="transcribe", limit=250)
    assert stage.plugin(deadline_hours=2).deadline_seconds == 7200


def _told_in(stage: Speech, queue: str) -> str:
    """The URL of a queue in which EventBridge puts what happens to jobs."""
    sqs, events = stage.client("sqs"), stage.client("events")
    url: str = sqs.create_queue(QueueName=queue)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    pattern = {"source": ["aws.transcribe"], "detail-type": ["Transcribe Job State Change"]}
    events.put_rule(Name=queue, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=queue, Targets=[{"Id": "queue", "Arn": arn["QueueArn"]}])
    return url


def test_event_is_received_until_acknowledged(stage: Speech) -> None:
    plugin = stage.plugin(completions=_told_in(stage, "completions"))
    job = submit(plugin, stage.deliver())
    ended(plugin, job)
    heard: list[Any] = []
    for _ in range(50):
        heard += [one for one in plugin.listen() if one.job == job]
        if heard:
            break
        time.sleep(0.1)
    assert len(heard) == 1
    plugin.acknowledge(heard)
    assert stage.plugin().listen() == ()
