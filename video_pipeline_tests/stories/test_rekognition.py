"""Faults of Rekognition: states of unit and phase, messages, and payments.

The object store is a real server; the service is a double that counts its bills.
"""

from dataclasses import replace

import pytest

from video_pipeline.domain.errors import FailureCategory, InputError
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState
from video_pipeline.pipeline.backfill.repeat_unit import force, retry
from video_pipeline.pipeline.jobs.cancel import cancel
from video_pipeline.pipeline.jobs.close import release_doubt
from video_pipeline.pipeline.jobs.wording import reason_of
from video_pipeline.testing import deaf
from video_pipeline_tests.doubles.aws.asking_rekognition import Cloud
from video_pipeline_tests.providers.aws.rekognition.rekognising import (
    TOPIC,
    TOPIC_ROLE,
    plugin,
)

_S, _P = UnitState, PhaseState


def test_job_is_submitted_parked_and_paid_once(cloud: Cloud) -> None:
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
def test_bad_answer_is_retried_in_the_same_run(cloud: Cloud, fault: str) -> None:
    cloud.inject(fault, operation="Start*")
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.end()
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000], 2)


@pytest.mark.parametrize("fault", ["reply_lost", "gateway_page", "server_error"])
def test_unanswered_start_keeps_its_token_for_the_next_run(cloud: Cloud, fault: str) -> None:
    cloud.inject(fault, operation="Start*", times=None)
    outcome = cloud.run()
    assert (cloud.unit().state, outcome.state) == (_S.SUBMITTING, _P.FAILED)
    assert "recognises the request and bills it once" in outcome.message
    cloud.double.clear_faults()
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.end()
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000], 2)


def test_hanging_start_keeps_its_token(cloud: Cloud) -> None:
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


def test_unreachable_service_fails_unit_until_the_next_run(
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


def test_token_used_with_other_parameters_keeps_its_unit(
    cloud: Cloud,
) -> None:
    cloud.inject("reply_lost", operation="Start*", times=None)
    cloud.run()
    cloud.double.clear_faults()
    before = cloud.services
    changed = plugin(cloud.double.endpoint, kinds=("shot",), topic=TOPIC, topic_role=TOPIC_ROLE)
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
def test_refused_start_names_remedy_and_costs_nothing(cloud: Cloud, fault: str, says: str) -> None:
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


@pytest.mark.parametrize(
    "fault", ["credentials_expired", "access_denied", "throttled", "hangs", "foreign_answer"]
)
def test_failing_poll_leaves_job_parked(cloud: Cloud, fault: str) -> None:
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


def test_undocumented_status_counts_as_running_and_is_shown(cloud: Cloud) -> None:
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.inject("odd_status", operation="Get*", times=None)
    cloud.end()
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    assert "undocumented status 'QUEUED', which counts as running" in reason_of(cloud.unit())
    cloud.double.clear_faults()
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000], 2)


def test_job_that_runs_again_after_its_end_is_fetched_later(cloud: Cloud) -> None:
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.end()
    cloud.inject("status_flips", operation="Get*", skip=1)
    assert cloud.told() == (_S.UNFETCHED, _P.PARKED)
    assert "it is IN_PROGRESS. It is looked up again later" in reason_of(cloud.unit())
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000], 2)


def test_result_of_another_job_is_fetched_later(cloud: Cloud) -> None:
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.end()
    cloud.inject("foreign_answer", operation="Get*", skip=1)  # the poll names the right job
    assert cloud.told() == (_S.UNFETCHED, _P.PARKED)
    assert "about another job" in reason_of(cloud.unit())
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000], 2)


def test_failed_job_names_reason_and_is_not_paid(cloud: Cloud) -> None:
    cloud.inject("job_failed", reason="The codec is not supported.")
    cloud.run()
    cloud.end()
    outcome = cloud.run()
    assert (cloud.unit().state, outcome.state) == (_S.FAILED, _P.FAILED)
    assert "The codec is not supported" in outcome.message
    assert "choose another provider" in outcome.message
    assert cloud.money() == ([], 0)


def test_expired_job_is_paid_and_requested_again(cloud: Cloud) -> None:
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
def test_expired_result_is_paid_twice(cloud: Cloud, looks: int, says: str) -> None:
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


def test_job_without_end_is_parked_until_its_deadline(cloud: Cloud) -> None:
    cloud.inject("never_ends")
    cloud.run()
    cloud.wait(hours=23)
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    assert cloud.money() == ([], 0)
    cloud.wait(hours=2)
    assert cloud.unit().state.ready
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


def test_job_limit_parks_unit_and_retries(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    # The pause of the pool after the vendor's limit was reached.
    monkeypatch.setattr(cloud.services.plugins["aws"], "poll_seconds", 0.1)
    cloud.inject("limit_exceeded", operation="Start*")
    outcome = cloud.run()
    assert (cloud.unit().state, outcome.state) == (_S.QUEUED, _P.PARKED)
    assert "waits until aws has room again" in outcome.message
    assert cloud.money() == ([], 0)
    cloud.services.sleep(0.2)
    cloud.wait(hours=0)
    assert cloud.unit().state is _S.RUNNING
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    cloud.end()
    assert cloud.told() == (_S.SETTLED, _P.DONE)
    assert cloud.money() == ([2000], 2)


def test_refused_token_keeps_its_unit_and_names_remedies(cloud: Cloud) -> None:
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


def test_object_replaced_during_job_fails_and_is_counted(cloud: Cloud) -> None:
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
def test_odd_results_are_published_within_the_video(cloud: Cloud, fault: str, rows: int) -> None:
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


def test_expired_page_token_loses_no_row(cloud: Cloud) -> None:
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


def test_unrecognised_token_is_released_by_hand_and_paid_again(
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
    with pytest.raises(InputError, match="jobs cancel`, then `video-pipeline jobs release`"):
        force(cloud.services, left)
    cancel(cloud.services, cloud.keys[0], [left.id], "cancelled by hand")
    released = release_doubt(cloud.services, cloud.unit())
    assert retry(cloud.services, released).picked.asked == {Phase.SHOTS}
    assert cloud.told() == (_S.RUNNING, _P.PARKED)
    assert (cloud.unit().generation, len(cloud.double.books()["jobs"])) == (1, 2)
