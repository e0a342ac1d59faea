"""What comes of each fault at Rekognition: state of the unit and of the phase, what people read,
what was paid. The object store is a real server, the service a double that keeps books.

Faults of events are in test_rekognition_events.py."""

from dataclasses import replace

import pytest

from video_pipeline.domain.errors import FailureCategory, InputError
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState
from video_pipeline.pipeline.backfill.retry_unit import force, retry
from video_pipeline.pipeline.jobs.cancel import cancel
from video_pipeline.pipeline.jobs.close import release_doubt
from video_pipeline.testing import deaf
from video_pipeline_tests.doubles.aws.asking_rekognition import Cloud
from video_pipeline_tests.providers.aws.rekognition.rekognising import (
    TOPIC,
    TOPIC_ROLE,
    plugin,
)

_S, _P = UnitState, PhaseState


def test_a_job_is_submitted_once_parked_and_paid_once(cloud: Cloud) -> None:
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.end()
    outcome = cloud.run()
    assert outcome.state is _P.DONE and outcome.result
    (used,) = outcome.result.usage
    assert (used.dimension, used.quantity, used.paid) == ("shot", 2, True)
    assert cloud.billed() == [2000]
    assert cloud.run(cloud.keys[1]).state is _P.PARKED
    (sum_,) = cloud.services.of("acme").standings.usage()
    assert sum_[1].counted == "video_seconds (shot)"
    assert cloud.services.of("globex").standings.usage() == []


@pytest.mark.parametrize(
    "fault",
    [
        *("server_error", "unavailable", "throttled", "throughput_exceeded"),
        *("reset", "malformed", "truncated"),
    ],
)
def test_one_bad_answer_is_asked_again_in_the_same_run_and_paid_once(
    cloud: Cloud, fault: str
) -> None:
    cloud.inject(fault, operation="Start*")
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.end()
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000], 2)


@pytest.mark.parametrize("fault", ["reply_lost", "gateway_page", "server_error"])
def test_a_start_that_is_never_heard_keeps_its_token_for_the_next_run(
    cloud: Cloud, fault: str
) -> None:
    cloud.inject(fault, operation="Start*", times=None)
    outcome = cloud.run()
    assert (cloud.unit().state, outcome.state) == (_S.SUBMITTING, _P.FAILED)
    assert "recognises the request and bills it once" in outcome.message
    cloud.double.clear_faults()
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.end()
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000], 2)


def test_a_start_that_hangs_may_have_been_taken_and_keeps_its_token(cloud: Cloud) -> None:
    impatient = plugin(cloud.double.endpoint, kinds=("shot",), read_seconds=0.1)
    patient, cloud.services = cloud.services, replace(cloud.services, plugins={"aws": impatient})
    cloud.inject("hangs", operation="Start*", times=None)
    outcome = cloud.run()
    assert (cloud.unit().state, outcome.state) == (_S.SUBMITTING, _P.FAILED)
    assert "AWS does not answer" in outcome.message
    assert "recognises the request and bills it once" in outcome.message
    assert cloud.money() == ([], 0)
    cloud.double.clear_faults()
    cloud.services = patient
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.end()
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000], 2)


def test_a_service_that_nobody_gets_through_to_took_nothing_and_is_asked_by_the_next_run(
    cloud: Cloud,
) -> None:
    reached = cloud.services
    with deaf() as endpoint:
        away = plugin(endpoint, kinds=("shot",), connect_seconds=0.1)
        cloud.services = replace(reached, plugins={"aws": away})
        outcome = cloud.run()
    assert (cloud.unit().state, outcome.state) == (_S.FAILED, _P.FAILED)
    assert "AWS does not answer" in outcome.message
    assert "Look at the network and at `endpoint`" in outcome.message
    assert cloud.money() == ([], 0)
    cloud.services = reached
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.end()
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000], 2)


def test_a_token_that_was_used_otherwise_keeps_its_unit_until_things_are_as_they_were(
    cloud: Cloud,
) -> None:
    cloud.inject("reply_lost", operation="Start*", times=None)
    cloud.run()
    cloud.double.clear_faults()
    before, told = cloud.services, {"topic": TOPIC, "topic_role": TOPIC_ROLE}
    changed = plugin(cloud.double.endpoint, kinds=("shot",), **told)
    cloud.services = replace(before, plugins={"aws": changed})
    outcome = cloud.run()
    assert (cloud.unit().state, outcome.state) == (_S.SUBMITTING, _P.FAILED)
    assert "with other parameters" in outcome.message and "as they were" in outcome.message
    cloud.services = before
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.end()
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000], 2)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("access_denied", "docs/providers/aws.md"),
        ("credentials_expired", "Log in again"),
        ("credentials_unknown", "Set the credentials"),
        ("account_disabled", "suspended"),
        ("kms_denied", "kms:Decrypt"),
        ("object_invalid", "lies in the region"),
        ("video_too_large", "another provider"),
    ],
)
def test_a_refused_start_fails_with_the_remedy_costs_nothing_and_is_made_once_it_is_mended(
    cloud: Cloud, fault: str, says: str
) -> None:
    cloud.inject(fault, operation="Start*")
    outcome = cloud.run()
    assert (cloud.unit().state, outcome.state) == (_S.FAILED, _P.FAILED)
    assert says in outcome.message
    assert cloud.money() == ([], 0)
    assert cloud.run(cloud.keys[1]).state is _P.PARKED
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.end()
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000, 2000], 2)


@pytest.mark.parametrize("fault", ["credentials_expired", "access_denied", "throttled", "hangs"])
def test_what_fails_while_a_job_runs_leaves_it_parked_and_its_result_is_fetched_later(
    cloud: Cloud, fault: str
) -> None:
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    impatient = plugin(cloud.double.endpoint, kinds=("shot",), read_seconds=0.2)
    patient, cloud.services = cloud.services, replace(cloud.services, plugins={"aws": impatient})
    cloud.inject(fault, operation="Get*", times=None, seconds=5)
    cloud.end()
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.double.clear_faults()
    cloud.services = patient
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000], 2)


def test_a_job_that_fails_says_why_and_is_not_paid(cloud: Cloud) -> None:
    cloud.inject("job_failed", reason="The codec is not supported.")
    cloud.run()
    cloud.end()
    outcome = cloud.run()
    assert (cloud.unit().state, outcome.state) == (_S.FAILED, _P.FAILED)
    assert "The codec is not supported" in outcome.message
    assert "choose another provider" in outcome.message
    assert cloud.money() == ([], 0)


def test_a_result_that_aws_has_forgotten_was_paid_and_the_next_run_asks_anew(cloud: Cloud) -> None:
    cloud.run()
    cloud.double.advance(8 * 24 * 3600)
    outcome = cloud.run()
    assert (cloud.unit().state, outcome.state) == (_S.FAILED, _P.FAILED)
    assert "knows no job" in outcome.message and "Run the phase again" in outcome.message
    assert cloud.money() == ([2000], 2)
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    assert cloud.unit().generation == 1


@pytest.mark.parametrize(
    ("looks", "says"), [(0, "the provider knows no job"), (1, "the service knows no such job")]
)
def test_a_result_that_is_gone_when_it_is_looked_up_or_fetched_was_paid_and_is_paid_anew(
    cloud: Cloud, looks: int, says: str
) -> None:
    cloud.run()
    cloud.end()
    cloud.inject("result_gone", operation="Get*", skip=looks)
    outcome = cloud.run()
    unit = cloud.unit()
    assert (unit.state, outcome.state) == (_S.FAILED, _P.FAILED)
    assert unit.failure and unit.failure.category is FailureCategory.RESULT_EXPIRED
    assert says in outcome.message and "Run the phase again" in outcome.message
    assert cloud.money() == ([2000], 2)
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.end()
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000, 2000], 4)


def test_a_job_that_never_ends_is_parked_until_its_deadline_and_counted_then(cloud: Cloud) -> None:
    cloud.inject("never_ends")
    cloud.run()
    cloud.wait(hours=23)
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    assert cloud.money() == ([], 0)
    cloud.wait(hours=2)
    assert cloud.unit().ready
    outcome = cloud.run()
    assert (cloud.unit().state, outcome.state) == (_S.FAILED, _P.FAILED)
    assert "still runs 24 hours after its submission" in outcome.message
    assert "its provider has not stopped it" in outcome.message
    assert "choose another provider" in outcome.message
    assert cloud.money() == ([], 2)
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.end()
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000], 4)


def test_an_account_without_room_fails_nothing_and_is_asked_again_by_itself(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How long nobody is asked after the vendor had no room.
    monkeypatch.setattr(cloud.services.plugins["aws"], "poll_seconds", 0.1)
    cloud.inject("limit_exceeded", operation="Start*")
    outcome = cloud.run()
    assert (cloud.unit().state, outcome.state) == (_S.INTENT, _P.PARKED)
    assert "waits until aws has room again" in outcome.message
    assert cloud.money() == ([], 0)
    cloud.services.sleep(0.2)
    cloud.wait(hours=0)
    assert cloud.unit().state is _S.RUNNING
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.end()
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000], 2)


def test_a_token_that_is_refused_keeps_its_unit_and_names_the_ways_on(cloud: Cloud) -> None:
    cloud.inject("token_mismatch", operation="Start*", times=None)
    outcome = cloud.run()
    assert (cloud.unit().state, outcome.state) == (_S.SUBMITTING, _P.FAILED)
    assert "with other parameters" in outcome.message
    assert "`video-pipeline jobs cancel`" in outcome.message
    assert cloud.money() == ([], 0)
    cloud.double.clear_faults()
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.end()
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000], 2)


def test_an_object_replaced_while_its_job_runs_fails_it_and_is_counted(cloud: Cloud) -> None:
    cloud.run()
    cloud.bucket.put(f"{cloud.keys[0].prefix}a.mp4", b"another")
    cloud.end()
    outcome = cloud.run()
    assert (cloud.unit().state, outcome.state) == (_S.FAILED, _P.FAILED)
    assert "was replaced while its job ran" in outcome.message
    assert cloud.money() == ([2000], 2)


@pytest.mark.parametrize(
    ("fault", "rows"),
    [
        ("no_rows", 0),
        *((name, 25) for name in ("unordered_rows", "overlaps", "zero_durations", "drop_frame")),
        ("variable_rate", 25),
    ],
)
def test_odd_results_are_published_whole_and_within_the_video(
    cloud: Cloud, fault: str, rows: int
) -> None:
    content = {"duration": "2", "frames_per_second": "25", "rows": 25}
    cloud.double.configure(otherwise=content)
    cloud.inject(fault)
    cloud.run()
    cloud.end()
    outcome = cloud.run()
    assert (cloud.unit().state, outcome.state) == (_S.SETTLED, _P.DONE), outcome.message
    assert cloud.money() == ([2000], 2)
    assert outcome.result
    assert outcome.result.counts.get("shot", 0) == rows
    key = cloud.keys[0]
    found = list(cloud.services.of(key.project).results.markers(key.video, [Phase.SHOTS]))
    starts = [marker.range.start for marker in found]
    assert len(found) == rows and starts == sorted(starts)


def test_a_page_token_that_ends_while_pages_are_read_costs_no_row(cloud: Cloud) -> None:
    content = {"duration": "2", "frames_per_second": "25", "rows": 40}
    cloud.double.configure(otherwise=content, page_rows=10)
    cloud.run()
    cloud.inject("page_token_expired", operation="Get*", skip=3)
    cloud.end()
    outcome = cloud.run()
    assert outcome.state is _P.DONE and outcome.result, outcome.message
    assert outcome.result.counts == {"shot": 40}
    assert [one["hits"] for one in cloud.double.faults()] == [1]
    assert (cloud.unit().state, cloud.money()) == (_S.SETTLED, ([2000], 2))


def test_one_that_aws_recognises_no_more_is_given_up_by_hand_and_paid_once_more(
    cloud: Cloud,
) -> None:
    cloud.inject("reply_lost", operation="StartSegmentDetection", times=9)
    assert cloud.told() == (_S.SUBMITTING, _P.FAILED)
    cloud.double.clear_faults()
    changed = plugin(cloud.double.endpoint, kinds=("shot",), topic=TOPIC, topic_role=TOPIC_ROLE)
    cloud.services = replace(cloud.services, plugins={"aws": changed})
    outcome, left = cloud.run(), cloud.unit()
    assert (left.state, outcome.state) == (_S.SUBMITTING, _P.FAILED)
    for command in ("cancel", "release", "retry"):
        assert f"jobs {command}`" in outcome.message
    with pytest.raises(InputError, match="jobs cancel` it, and `jobs release`"):
        force(cloud.services, left)
    cancel(cloud.services, cloud.keys[0], [left.id], "cancelled by hand")
    released = release_doubt(cloud.services, cloud.unit())
    assert retry(cloud.services, released).picked.asked == {Phase.SHOTS}
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    assert (cloud.unit().generation, len(cloud.double.books()["jobs"])) == (1, 2)
