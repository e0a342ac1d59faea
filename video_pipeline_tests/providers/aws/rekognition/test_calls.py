"""Jobs at the double: submitted once, looked up, fetched verbatim; and what each refusal says."""

import json
from typing import Any

import pytest

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.unit_policy import is_of_the_request
from video_pipeline.domain.work import WorkUnit
from video_pipeline.plugins.base import JobStatus
from video_pipeline.plugins.inputs import Inputs, ObjectRef
from video_pipeline.providers.aws.rekognition.plugin import RekognitionPlugin
from video_pipeline.testing import Double, Fault
from video_pipeline_tests.providers.aws.cases import case
from video_pipeline_tests.providers.aws.rekognition.conftest import KEY, Stored
from video_pipeline_tests.providers.aws.rekognition.rekognising import (
    TOPIC,
    TOPIC_ROLE,
    media,
    plugin,
    unit,
)
from video_pipeline_tests.servers.buckets import Servers
from video_pipeline_tests.servers.s3_answers import Answer, answering

F = FailureCategory


@pytest.fixture
def made(double: Double) -> RekognitionPlugin:
    return plugin(double.endpoint)


def submitted(made: RekognitionPlugin, planned: WorkUnit, stored: Stored) -> str:
    job = made.submit(planned, media(), stored.inputs).job
    assert job
    return job


def ended(made: RekognitionPlugin, double: Double, job: str) -> JobStatus:
    double.advance(3600)
    while (status := made.poll([job])[job]).state == "running":
        pass
    return status


def refused(made: RekognitionPlugin, planned: WorkUnit, given: Inputs) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        made.submit(planned, media(), given)
    return raised.value


def test_status_of_another_job_is_not_believed(
    made: RekognitionPlugin, double: Double, versioned: Stored
) -> None:
    job = submitted(made, unit(made, "shot"), versioned)
    double.inject(Fault(what="foreign_answer", operation="Get*"))
    with pytest.raises(ProviderError, match="is about another job") as refused:
        made.poll([job])
    assert refused.value.category is F.TRANSIENT


def test_undocumented_status_is_running_with_a_note() -> None:
    with answering(Answer(body=case("rekognition_status_unknown"))) as (server, _):
        job = f"SegmentDetection/{'0' * 64}"
        status = plugin(server.endpoint).poll([job])[job]
    assert status.state == "running"
    assert "undocumented status 'QUEUED'" in status.note


def test_a_job_is_named_by_its_analysis_and_tagged_with_its_unit(
    made: RekognitionPlugin, double: Double, versioned: Stored
) -> None:
    planned = unit(made, "shot")
    job = submitted(made, planned, versioned)
    (entry,) = double.books()["jobs"]
    assert job == f"SegmentDetection/{entry['JobId']}"
    assert entry["token"] == planned.id
    assert entry["tag"] == f"acme/a/{planned.id}"
    assert (entry["video"], entry["version"]) == (KEY, versioned.version)
    assert entry["types"] == ["SHOT"]


def test_repeated_request_is_one_job(
    made: RekognitionPlugin, double: Double, versioned: Stored
) -> None:
    planned = unit(made, "label")
    assert submitted(made, planned, versioned) == submitted(made, planned, versioned)
    books = double.books()
    assert (len(books["jobs"]), books["replays"]) == (1, 1)


@pytest.mark.parametrize("kind", ["shot", "technical-cue", "label", "text", "face", "moderation"])
def test_pages_are_the_bodies_of_aws_answers(
    made: RekognitionPlugin, double: Double, versioned: Stored, kind: str
) -> None:
    planned = unit(made, kind)
    job = submitted(made, planned, versioned)
    assert ended(made, double, job).state == "succeeded"
    pages = list(made.fetch(job))
    assert all("ResponseMetadata" not in json.loads(page) for page in pages)
    assert list(made.normalise(planned.request, media(), pages))
    assert [u.quantity for u in made.usage(planned.request, media(), pages)] == [60]


def test_pages_after_failed_token_repeat_no_row(
    made: RekognitionPlugin, double: Double, versioned: Stored
) -> None:
    double.configure(otherwise={"rows": 2500})
    planned = unit(made, "label")
    job = submitted(made, planned, versioned)
    ended(made, double, job)
    calm = [json.loads(page)["Labels"] for page in made.fetch(job)]
    assert [len(rows) for rows in calm] == [1000, 1000, 500]
    for skip in (0, 1):
        fault = Fault(what="page_token_expired", operation="GetLabelDetection", skip=1 + skip)
        double.inject(fault)
        again = [json.loads(page)["Labels"] for page in made.fetch(job)]
        assert again == calm
        assert [one["hits"] for one in double.faults()] == [1]
        double.clear_faults()


def test_pages_with_changed_bounds_repeat_no_row(
    made: RekognitionPlugin, double: Double, versioned: Stored
) -> None:
    double.configure(otherwise={"rows": 25}, page_rows=10)
    job = submitted(made, unit(made, "label"), versioned)
    ended(made, double, job)
    reading = made.fetch(job)
    first = json.loads(next(reading))["Labels"]
    double.configure(page_rows=7, otherwise={"rows": 25})
    double.inject(Fault(what="page_token_expired", operation="GetLabelDetection"))
    rest = [row for page in reading for row in json.loads(page)["Labels"]]
    double.clear_faults()
    double.configure(page_rows=1000, otherwise={"rows": 25})
    (whole,) = made.fetch(job)
    assert first + rest == json.loads(whole)["Labels"]


def test_tokens_that_always_fail_end_the_read_for_now(
    made: RekognitionPlugin, double: Double, versioned: Stored
) -> None:
    double.configure(otherwise={"rows": 25}, page_rows=10)
    job = submitted(made, unit(made, "label"), versioned)
    ended(made, double, job)
    double.configure(otherwise={"rows": 25}, page_rows=10, page_token_seconds=-1)
    with pytest.raises(ProviderError, match="again and again") as raised:
        list(made.fetch(job))
    assert raised.value.category is F.TRANSIENT


def test_result_without_rows_is_one_page(
    made: RekognitionPlugin, double: Double, versioned: Stored
) -> None:
    double.inject(Fault(what="no_rows"))
    planned = unit(made, "label")
    job = submitted(made, planned, versioned)
    ended(made, double, job)
    (page,) = made.fetch(job)
    assert json.loads(page)["Labels"] == []
    assert list(made.normalise(planned.request, media(), [page])) == []


def test_expired_result_is_skipped_and_reported(
    made: RekognitionPlugin, double: Double, versioned: Stored
) -> None:
    job = submitted(made, unit(made, "label"), versioned)
    double.advance(8 * 24 * 3600)
    assert made.poll([job]) == {}
    with pytest.raises(ProviderError) as raised:
        list(made.fetch(job))
    assert raised.value.category is F.RESULT_EXPIRED


def test_failed_job_has_a_reason(
    made: RekognitionPlugin, double: Double, versioned: Stored
) -> None:
    double.inject(Fault(what="job_failed", reason="The codec is not supported."))
    status = ended(made, double, submitted(made, unit(made, "label"), versioned))
    assert status.failure and status.failure.category is F.PROVIDER_FAILED
    assert status.failure.message == "The codec is not supported"
    assert double.books()["billed"] == {}


def test_failed_lookup_does_not_hide_other_jobs(
    made: RekognitionPlugin, double: Double, versioned: Stored
) -> None:
    shots = submitted(made, unit(made, "shot"), versioned)
    labels = submitted(made, unit(made, "label"), versioned)
    ended(made, double, labels)
    double.inject(Fault(what="access_denied", operation="GetSegmentDetection", times=None))
    found = made.poll([shots, labels])
    assert (found[shots].state, found[labels].state) == ("running", "succeeded")
    with pytest.raises(ProviderError, match="access is denied"):
        made.poll([shots])


@pytest.mark.parametrize(
    ("fault", "category", "accepted", "says"),
    [
        ("throttled", F.THROTTLED, False, "too many requests"),
        ("throughput_exceeded", F.THROTTLED, False, "too many requests"),
        ("limit_exceeded", F.CONCURRENCY, False, "as many jobs run"),
        ("server_error", F.TRANSIENT, True, "broken for the moment"),
        ("unavailable", F.TRANSIENT, True, "broken for the moment"),
        ("credentials_expired", F.AUTH, False, "have expired"),
        ("credentials_unknown", F.AUTH, False, "are wrong"),
        ("account_disabled", F.AUTH, False, "suspended"),
        ("access_denied", F.AUTH, False, "policy"),
        ("kms_denied", F.PROVIDER_FAILED, False, "kms:Decrypt"),
        ("object_invalid", F.PROVIDER_FAILED, False, "region"),
        ("video_too_large", F.INPUT_REJECTED, False, "too large or too long"),
        ("token_mismatch", F.UNSUPPORTED, True, "as they were"),
        ("hangs", F.TRANSIENT, True, "does not answer"),
        ("reply_lost", F.TRANSIENT, True, "does not answer"),
        ("reset", F.TRANSIENT, True, "does not answer"),
        ("truncated", F.TRANSIENT, True, ""),
        ("malformed", F.TRANSIENT, True, "cannot be read"),
        ("gateway_page", F.TRANSIENT, True, ""),
    ],
)
def test_start_refused_or_unanswered_has_its_category(
    made: RekognitionPlugin,
    double: Double,
    versioned: Stored,
    fault: str,
    category: FailureCategory,
    accepted: bool,
    says: str,
) -> None:
    double.inject(Fault(what=fault, operation="Start*"))
    planned = unit(made, "shot")
    impatient = plugin(double.endpoint, read_seconds=1)
    error = refused(impatient if fault == "hangs" else made, planned, versioned.inputs)
    assert (error.category, error.accepted) == (category, accepted), error
    assert says in str(error)
    assert "StartSegmentDetection" in str(error)
    assert sum(double.books()["calls"].get("StartSegmentDetection", {}).values()) <= 1
    submitted(made, planned, versioned)
    assert len(double.books()["jobs"]) == 1


def test_start_is_sent_once_and_lookup_is_retried(
    made: RekognitionPlugin, double: Double, versioned: Stored
) -> None:
    double.inject(Fault(what="throttled", operation="Start*", times=2))
    for _ in range(2):
        refused(made, unit(made, "label"), versioned.inputs)
    job = submitted(made, unit(made, "label"), versioned)
    double.inject(Fault(what="throttled", operation="Get*"))
    assert made.poll([job])[job]
    assert double.faults()[-1]["hits"] == 1


def test_no_connection_is_no_doubt(versioned: Stored, double: Double) -> None:
    error = refused(plugin("http://127.0.0.1:9"), unit(plugin(), "label"), versioned.inputs)
    assert (error.category, error.accepted) == (F.TRANSIENT, False)


def test_bucket_in_another_region_is_refused_before_start(
    double: Double, versioned: Stored, servers: Servers
) -> None:
    client = servers["moto"].clients(region="eu-west-1").client("s3")
    name = f"{versioned.bucket.name}-eu"
    where: Any = {"LocationConstraint": "eu-west-1"}
    client.create_bucket(Bucket=name, CreateBucketConfiguration=where)
    given = Inputs(object=ObjectRef(uri=f"s3://{name}/a.mp4", version="v1"))
    made = plugin(double.endpoint)
    error = refused(made, unit(made, "label"), given)
    assert (error.category, error.accepted) == (F.PROVIDER_FAILED, False)
    assert "lies in eu-west-1" in error.what and "region eu-west-1" in error.remedy
    assert not double.books()["calls"]


def test_missing_bucket_is_reported(made: RekognitionPlugin, double: Double) -> None:
    given = Inputs(object=ObjectRef(uri="s3://no-such-bucket-here/a.mp4", version="v1"))
    error = refused(made, unit(made, "label"), given)
    assert not error.accepted and not is_of_the_request(error.category)
    assert "no-such-bucket-here" in str(error)
    assert "storage.ingest" in error.remedy
    assert not double.books()["calls"]


def test_a_store_that_is_broken_leaves_no_doubt_of_a_job(
    double: Double, versioned: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", double.endpoint)  # no S3: it says 501
    made = plugin(double.endpoint)
    error = refused(made, unit(made, "label"), versioned.inputs)
    assert not error.accepted
    assert not double.books()["jobs"]


def test_missing_profile_does_not_reject_the_video(double: Double, versioned: Stored) -> None:
    elsewhere = plugin(
        double.endpoint, profile="no-such", access_key_id=None, secret_access_key=None
    )
    error = refused(elsewhere, unit(elsewhere, "label"), versioned.inputs)
    assert (error.category, error.accepted) == (F.AUTH, False)


def test_replaced_object_leaves_unanswered_start_in_doubt(
    made: RekognitionPlugin, double: Double, unversioned: Stored
) -> None:
    double.inject(Fault(what="reply_lost", operation="Start*"))
    unheard = refused(made, unit(made, "label"), unversioned.inputs)
    assert unheard.accepted and len(double.books()["jobs"]) == 1
    unversioned.bucket.put(KEY, b"another")
    error = refused(made, unit(made, "label"), unversioned.inputs)
    assert not error.accepted and not is_of_the_request(error.category)


def test_source_outside_s3_is_reported(made: RekognitionPlugin) -> None:
    given = Inputs(object=ObjectRef(uri="file:///a.mp4", version="1"))
    error = refused(made, unit(made, "label"), given)
    assert (error.category, error.accepted) == (F.UNSUPPORTED, False)


def test_etag_pins_object_without_versions_until_job_ends(
    made: RekognitionPlugin, double: Double, unversioned: Stored
) -> None:
    kept = submitted(made, unit(made, "label"), unversioned)
    assert ended(made, double, kept).state == "succeeded"
    assert list(made.fetch(kept))
    replaced = submitted(made, unit(made, "shot"), unversioned)
    unversioned.bucket.put(KEY, b"another")
    assert ended(made, double, replaced).state == "succeeded"  # it is billed, and counts
    with pytest.raises(ProviderError, match="was replaced while its job ran") as raised:
        next(made.fetch(replaced))
    assert raised.value.category is F.INPUT_REJECTED


def test_object_replaced_before_start_is_not_analysed(
    made: RekognitionPlugin, double: Double, unversioned: Stored
) -> None:
    unversioned.bucket.put(KEY, b"another")
    error = refused(made, unit(made, "label"), unversioned.inputs)
    assert (error.category, error.accepted) == (F.PROVIDER_FAILED, False)
    assert not double.books()["calls"]


def test_pinned_version_is_analysed_beside_a_newer_one(
    made: RekognitionPlugin, double: Double, versioned: Stored
) -> None:
    versioned.bucket.put(KEY, b"another")
    job = submitted(made, unit(made, "label"), versioned)
    assert ended(made, double, job).state == "succeeded"
    assert double.books()["jobs"][0]["version"] == versioned.version


def test_changed_topic_after_unanswered_start_has_remedy(double: Double, versioned: Stored) -> None:
    before = plugin(double.endpoint, topic=TOPIC, topic_role=TOPIC_ROLE)
    planned = unit(before, "label")
    job = submitted(before, planned, versioned)
    error = refused(plugin(double.endpoint), planned, versioned.inputs)
    assert error.accepted and "topic" in error.remedy
    assert submitted(before, planned, versioned) == job


def test_two_tenants_pay_for_and_see_their_own(
    made: RekognitionPlugin, double: Double, versioned: Stored, unversioned: Stored
) -> None:
    ours = unit(made, "label")
    key = ours.request.key.model_copy(update={"project": "globex"})
    request = ours.request.model_copy(update={"key": key})
    theirs = ours.model_copy(update={"request": request, "id": request.digest})
    assert submitted(made, ours, versioned) != submitted(made, theirs, unversioned)
    tags = [entry["tag"].split("/")[0] for entry in double.books()["jobs"]]
    assert tags == ["acme", "globex"]
