"""What comes of events of Rekognition that are lost, double, early, foreign or tell of an error:
state of the unit and of the phase, what people read, what was paid, what is left in the queue."""

from dataclasses import replace
from datetime import timedelta

import pytest

from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState
from video_pipeline.pipeline.complete import sweep
from video_pipeline.pipeline.listen import listen
from video_pipeline_tests.stage.asking_rekognition import Cloud, HearingCloud, hearing

_S, _P = UnitState, PhaseState


@pytest.fixture
def heard(cloud: Cloud) -> HearingCloud:
    return hearing(cloud)


@pytest.mark.parametrize(
    ("fault", "events", "left"), [("event_twice", 2, 0), ("event_of_unknown_job", 2, 1)]
)
def test_an_event_has_its_job_looked_up_at_once_whatever_comes_with_it(
    heard: HearingCloud, fault: str, events: int, left: int
) -> None:
    heard.inject(fault)
    assert heard.told() == (_S.RUNNING, _P.PARKED)
    heard.ended(events)
    assert heard.hear()
    outcome = heard.shots()
    assert (heard.unit().state, outcome.state, outcome.message) == (_S.SETTLED, _P.DONE, "")
    assert heard.money() == ([2000], 2)
    assert heard.queue.left() == left


def test_an_event_that_is_lost_leaves_the_job_to_the_sweep(heard: HearingCloud) -> None:
    heard.inject("event_lost")
    assert heard.told() == (_S.RUNNING, _P.PARKED)
    heard.ended(events=0)
    assert not heard.hear()
    sweep(heard.services, heard.services.clock() + timedelta(minutes=1))
    assert heard.unit().ready
    outcome = heard.shots()
    assert (heard.unit().state, outcome.state, outcome.message) == (_S.SETTLED, _P.DONE, "")
    assert heard.money() == ([2000], 2)


def test_an_event_before_the_reply_finds_its_result_published_and_changes_nothing(
    heard: HearingCloud,
) -> None:
    heard.inject("event_before_reply")
    outcome = heard.shots()
    assert (heard.unit().state, outcome.state, outcome.message) == (_S.SETTLED, _P.DONE, "")
    assert not heard.hear()
    assert (heard.unit().state, heard.queue.left()) == (_S.SETTLED, 0)
    assert heard.money() == ([2000], 2)


def test_an_event_before_the_ledger_knows_the_job_is_left_in_the_queue_and_costs_nothing(
    heard: HearingCloud,
) -> None:
    taken_up: list[int] = []

    def before_it_is_noted(step: str) -> None:
        if step == "submitted":
            taken_up.append(listen(heard.services, heard.services.clock()))

    patient = heard.services
    heard.services = replace(patient, on_step=before_it_is_noted)
    heard.inject("event_before_reply")
    heard.inject("access_denied", operation="Get*")
    assert heard.told() == (_S.RUNNING, _P.PARKED)
    assert (taken_up, heard.queue.left()) == ([0], 1)
    heard.services = patient
    sweep(patient, patient.clock() + timedelta(minutes=1))
    assert heard.unit().ready
    outcome = heard.shots()
    assert (heard.unit().state, outcome.state, outcome.message) == (_S.SETTLED, _P.DONE, "")
    assert heard.money() == ([2000], 2)


def test_an_event_of_an_error_fails_the_phase_with_what_aws_says_and_is_not_paid(
    heard: HearingCloud,
) -> None:
    heard.inject("event_error")
    assert heard.told() == (_S.RUNNING, _P.PARKED)
    heard.ended(events=1)
    assert heard.hear()
    outcome = heard.shots()
    assert (heard.unit().state, outcome.state) == (_S.FAILED, _P.FAILED)
    assert "The job encountered an issue" in outcome.message
    assert "Run the phase again, or choose another provider" in outcome.message
    assert heard.queue.left() == 0
    assert heard.money() == ([], 0)
    assert heard.told() == (_S.RUNNING, _P.PARKED)
    heard.ended(events=2)
    assert heard.hear()
    assert heard.told() == (_S.SETTLED, _P.DONE)
    assert heard.money() == ([2000], 2)
