"""What comes of each fault: the state of the unit and of the phase, what people read, what is paid.

A double of Transcribe makes the faults; S3 is a real server, MongoDB and the media are real. Two
projects are there, and the other one's video is never touched. Faults of events are in
test_events.py.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from video_pipeline.domain.errors import FailureCategory
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState
from video_pipeline.pipeline.jobs.wording import reason_of
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.providers.aws.transcribe.request import name_of
from video_pipeline_tests.doubles.aws.deployment import ACME, GLOBEX
from video_pipeline_tests.providers.aws.transcribe.asking_transcribe import (
    RUNNING_SECONDS,
    SECONDS,
    Stage,
)
from video_pipeline_tests.servers.s3_servers import REGION

_START = "StartTranscriptionJob"


def test_two_projects_are_transcribed_and_pay_their_own(stage: Stage) -> None:
    for key in (ACME, GLOBEX):
        assert stage.settled(key).state is PhaseState.DONE
        assert [unit.state for unit in stage.units(key)] == [UnitState.SETTLED]
        assert stage.counted(key) == SECONDS
    assert stage.double.books()["submissions"] == 2


@pytest.mark.parametrize(
    ("fault", "times"),
    [("throttled", 2), ("server_error", 2), ("unavailable", 2), ("limit_exceeded", 1)],
)
def test_transient_fault_is_retried_and_paid_once(stage: Stage, fault: str, times: int) -> None:
    stage.inject(fault, operation=_START, times=times)
    assert stage.settled().state is PhaseState.DONE
    assert stage.unit().state is UnitState.SETTLED
    assert stage.double.books()["submissions"] == 1
    assert stage.money() == (60, SECONDS)


@pytest.mark.parametrize(
    "fault", ["reply_lost", "reset", "truncated", "malformed", "gateway_page", "hangs"]
)
def test_unanswered_start_is_retried_under_its_name(stage: Stage, fault: str) -> None:
    stage.inject(fault, operation=_START)
    assert stage.settled().state is PhaseState.DONE
    assert stage.double.books()["submissions"] == 1
    assert [(unit.state, unit.generation) for unit in stage.units()] == [(UnitState.SETTLED, 0)]
    assert stage.money() == (60, SECONDS)


def test_unanswered_start_is_resumed_by_the_next_run(stage: Stage) -> None:
    stage.inject("reply_lost", operation=_START, times=None)
    stage.inject("reply_lost", operation="GetTranscriptionJob", times=None)
    first = stage.run()
    assert first.state is PhaseState.FAILED
    assert "recognises the request and bills it once" in first.message
    assert [unit.state for unit in stage.units()] == [UnitState.SUBMITTING]
    stage.double.clear_faults()
    assert stage.settled().state is PhaseState.DONE
    assert stage.double.books()["submissions"] == 1
    assert stage.money() == (60, SECONDS)


@pytest.mark.parametrize(
    ("fault", "category", "told"),
    [
        ("conflict", FailureCategory.PROVIDER_FAILED, "or force the phase"),
        ("credentials_expired", FailureCategory.AUTH, "the credentials have expired"),
        ("access_denied", FailureCategory.AUTH, "access is denied"),
        ("kms_denied", FailureCategory.AUTH, "the KMS key may not be used"),
        ("media_unreadable", FailureCategory.AUTH, "the service cannot read the object"),
        ("bad_request", FailureCategory.INPUT_REJECTED, "does not take this media"),
        ("media_too_long", FailureCategory.INPUT_REJECTED, "the file is too long"),
    ],
)
def test_refused_start_has_remedy_and_costs_nothing(
    stage: Stage, fault: str, category: FailureCategory, told: str
) -> None:
    stage.inject(fault, operation=_START)
    failed = stage.settled()
    assert failed.state is PhaseState.FAILED
    assert told in failed.message
    (unit,) = stage.units()
    assert (unit.state, unit.failure and unit.failure.category) == (UnitState.FAILED, category)
    assert (stage.billed(), stage.counted()) == (0, 0)
    assert stage.settled().state is PhaseState.DONE
    assert (stage.billed(), stage.counted()) == (60, SECONDS)


def test_name_in_use_fails_and_next_run_uses_another(
    stage: Stage,
) -> None:
    patient, uri = stage.services, f"s3://{stage.place.ingest}/{ACME.prefix}film.mp4"

    def take_its_name(step: str) -> None:
        if step == "submitting":
            somebody = stage.double.client("transcribe", region=REGION)
            name = name_of(stage.unit().id, uri)
            somebody.start_transcription_job(
                TranscriptionJobName=name, LanguageCode="de-DE", Media={"MediaFileUri": uri}
            )

    stage.services = replace(patient, on_step=take_its_name)
    failed = stage.run()
    assert (stage.unit().state, failed.state) == (UnitState.FAILED, PhaseState.FAILED)
    assert (
        "a job of this name with other settings" in failed.message
        and "or force the phase" in failed.message
    )
    assert stage.counted() == 0
    stage.services = patient
    assert stage.settled().state is PhaseState.DONE
    assert stage.unit().generation == 1
    assert stage.counted() == SECONDS


@pytest.mark.parametrize("fault", ["job_failed", "no_audio"])
def test_failed_job_has_reason_and_its_name_is_not_reused(stage: Stage, fault: str) -> None:
    stage.inject(fault, operation=_START)
    failed = stage.settled()
    assert failed.state is PhaseState.FAILED
    assert "does not take this media" in failed.message
    assert stage.money() == (0, 0)
    assert stage.settled().state is PhaseState.DONE
    assert [unit.state for unit in stage.units()] == [UnitState.FAILED, UnitState.SETTLED]
    assert len({job["name"] for job in stage.double.books()["jobs"]}) == 2
    assert stage.money() == (60, SECONDS)


def test_forgotten_job_is_expired_and_counted(stage: Stage) -> None:
    stage.double.configure(running_seconds=3600)
    assert stage.run().state is PhaseState.PARKED
    stage.inject("job_gone", operation="GetTranscriptionJob", times=None)
    failed = stage.settled()
    assert failed.state is PhaseState.FAILED
    assert "knows no job" in failed.message and "Run the phase again" in failed.message
    (unit,) = stage.units()
    assert unit.state is UnitState.FAILED
    assert unit.failure and unit.failure.category is FailureCategory.RESULT_EXPIRED
    assert stage.money() == (0, SECONDS)


def test_job_deleted_before_fetch_is_paid_twice(
    stage: Stage,
) -> None:
    stage.double.configure(running_seconds=RUNNING_SECONDS)
    assert stage.run().state is PhaseState.PARKED
    stage.double.advance(2 * RUNNING_SECONDS)
    stage.jobs_end()
    stage.inject("job_gone", operation="GetTranscriptionJob", skip=1)
    failed = stage.settled()
    assert (stage.unit().state, failed.state) == (UnitState.FAILED, PhaseState.FAILED)
    assert "the service knows no such job" in failed.message
    assert "Run the phase again" in failed.message
    assert stage.money() == (60, SECONDS)
    stage.double.configure(running_seconds=0)
    assert stage.settled().state is PhaseState.DONE
    assert stage.unit().generation == 1
    assert stage.money() == (120, 2 * SECONDS)


@pytest.mark.parametrize("fault", ["queued_for_ever", "never_ends"])
def test_job_without_end_is_parked_until_its_deadline(stage: Stage, fault: str) -> None:
    stage.inject(fault)
    assert stage.told() == (UnitState.RUNNING, PhaseState.PARKED)
    stage.wait(hours=23)
    assert stage.told() == (UnitState.RUNNING, PhaseState.PARKED)
    assert stage.money() == (0, 0)
    stage.wait(hours=2)
    assert stage.unit().state.ready
    failed = stage.run()
    assert (stage.unit().state, failed.state) == (UnitState.FAILED, PhaseState.FAILED)
    assert "still runs 24 hours after its submission" in failed.message
    assert "its provider has not stopped it" in failed.message
    assert "choose another provider" in failed.message
    assert stage.money() == (0, SECONDS)
    assert stage.settled().state is PhaseState.DONE
    assert stage.money() == (60, 2 * SECONDS)


def test_missing_result_is_paid(stage: Stage) -> None:
    stage.inject("output_missing", operation=_START)
    failed = stage.settled()
    assert failed.state is PhaseState.FAILED
    assert "does not lie in the output bucket" in failed.message
    assert stage.unit().state is UnitState.FAILED
    assert stage.money() == (60, SECONDS)


def test_unreadable_result_is_fetched_later(stage: Stage) -> None:
    stage.inject("output_malformed", operation=_START)
    stage.run()
    stage.jobs_end()
    parked = stage.run()
    assert parked.state is PhaseState.PARKED and "is no JSON" in parked.message
    assert stage.unit().state is UnitState.UNFETCHED
    stage.wait(hours=24 + 24 * 4)
    failed = stage.run()
    assert failed.state is PhaseState.FAILED and "given up" in failed.message
    assert [unit.state for unit in stage.units()] == [UnitState.FAILED]
    assert stage.money() == (60, SECONDS), "it is paid, and counted"


def test_result_of_another_job_is_fetched_later(stage: Stage) -> None:
    stage.inject("output_foreign", operation=_START)
    stage.run()
    stage.jobs_end()
    parked = stage.run()
    assert parked.state is PhaseState.PARKED
    assert "it is the result of another job" in parked.message
    assert stage.unit().state is UnitState.UNFETCHED
    assert stage.billed() == 60


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("foreign_answer", "is running"),
        ("odd_status", "undocumented status 'PAUSED', which counts as running"),
        ("status_flips", "is running"),
    ],
)
def test_wrong_answer_of_a_poll_leaves_job_parked(stage: Stage, fault: str, says: str) -> None:
    stage.inject(fault, operation="GetTranscriptionJob", times=None)
    assert stage.run().state is PhaseState.PARKED
    stage.jobs_end()
    assert stage.told() == (UnitState.RUNNING, PhaseState.PARKED)
    assert says in reason_of(stage.unit())
    stage.double.clear_faults()
    assert stage.settled().state is PhaseState.DONE
    assert stage.money() == (60, SECONDS)


def test_silence_is_a_transcript_without_words(stage: Stage) -> None:
    stage.inject("no_words", operation=_START)
    done = stage.settled()
    assert done.state is PhaseState.DONE
    assert done.result and done.result.language is None
    assert stage.unit().state is UnitState.SETTLED
    assert stage.money() == (60, SECONDS)


@pytest.mark.parametrize("fault", ["throttled", "server_error", "credentials_expired", "reset"])
def test_failed_lookup_leaves_job_parked(stage: Stage, fault: str) -> None:
    stage.inject(fault, operation="GetTranscriptionJob", times=40)
    parked = stage.run()
    assert parked.state is PhaseState.PARKED
    assert stage.units()[0].state is UnitState.RUNNING
    stage.double.clear_faults()
    assert stage.settled().state is PhaseState.DONE
    assert stage.money() == (60, SECONDS)


def test_video_replaced_during_job_is_paid_not_published(stage: Stage, film: Path) -> None:
    stage.double.configure(running_seconds=1.5)
    assert stage.run().state is PhaseState.PARKED
    stage.place.client("s3").put_object(
        Bucket=stage.place.ingest, Key=f"{ACME.prefix}film.mp4", Body=b"another film"
    )
    failed = stage.settled()
    assert failed.state is PhaseState.FAILED
    assert "was replaced while its job ran" in failed.message
    (unit,) = stage.units()
    assert unit.failure and unit.failure.category is FailureCategory.INPUT_REJECTED
    assert stage.counted() == SECONDS


def test_account_runs_no_more_jobs_than_its_limit(stage: Stage) -> None:
    stage.double.configure(concurrent=0)
    refused = stage.run()
    assert refused.state is not PhaseState.DONE
    stage.double.configure(concurrent=1)
    assert stage.settled().state is PhaseState.DONE
    assert stage.billed() == 60


def test_denied_start_uses_the_second_provider(stage: Stage) -> None:
    other = {"spare": stage.place.plugin(stage.double.endpoint)}
    choice = PhaseChoice(providers=("words", "spare"))
    stage.services = replace(
        stage.services,
        plugins={**stage.services.plugins, **other},
        choices=Choices(phases={Phase.TRANSCRIPT: choice}),
    )
    stage.inject("access_denied", operation=_START)
    stage.double.configure(running_seconds=0.5)
    parked = stage.run()
    assert [verdict.provider for verdict in parked.considered if not verdict.kept] == ["words"]
    done = stage.settled()
    assert (done.state, done.provider) == (PhaseState.DONE, "spare")
    assert stage.billed() == 60
