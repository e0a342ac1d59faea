"""Tests of completion events, for every provider that sends them to a queue.

Events are lost, duplicated, early, of unknown jobs or of failed jobs. The tests check the states
of unit and phase, the message for people, the money, and the queue's remaining messages.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState
from video_pipeline.pipeline.sweep.events import listen
from video_pipeline_tests.doubles.aws.deployment import HearingDeployment
from video_pipeline_tests.doubles.sweeping import sweep

_S, _P = UnitState, PhaseState


class EventsContract:
    """The tests. A subclass sets the class variables, and its module has the fixture `heard`."""

    paid: ClassVar[Any]
    """The amounts that the provider bills and the ledger counts: for one job, or for none."""
    unpaid: ClassVar[Any]
    job_fails: ClassVar[str]
    """The fault that makes a job fail, and texts that the message of its phase then contains."""
    says: ClassVar[Sequence[str]]

    @pytest.mark.parametrize(
        ("fault", "events", "left"), [("event_twice", 2, 0), ("event_of_unknown_job", 2, 1)]
    )
    def test_event_triggers_lookup_of_its_job(
        self, heard: HearingDeployment, fault: str, events: int, left: int
    ) -> None:
        heard.inject(fault)
        assert heard.told() == (_S.RUNNING, _P.PARKED)
        heard.ended(events)
        assert heard.hear()
        self.check_done(heard)
        assert heard.queue.left() == left

    def test_lost_event_leaves_job_to_sweep(self, heard: HearingDeployment) -> None:
        heard.inject("event_lost")
        assert heard.told() == (_S.RUNNING, _P.PARKED)
        heard.ended(events=0)
        assert not heard.hear()
        sweep(heard.services, heard.services.clock() + timedelta(minutes=1))
        assert heard.unit().state.ready
        self.check_done(heard)

    def test_event_before_reply_does_not_publish_twice(self, heard: HearingDeployment) -> None:
        heard.inject("event_before_reply")
        self.check_done(heard)
        assert not heard.hear()
        assert (heard.unit().state, heard.queue.left()) == (_S.SETTLED, 0)
        assert heard.money() == self.paid

    def test_event_of_unrecorded_job_stays_in_queue(self, heard: HearingDeployment) -> None:
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
        assert heard.unit().state.ready
        self.check_done(heard)

    def test_event_of_failed_job_fails_phase_without_usage(self, heard: HearingDeployment) -> None:
        heard.inject(self.job_fails)
        assert heard.told() == (_S.RUNNING, _P.PARKED)
        heard.ended(events=1)
        assert heard.hear()
        outcome = heard.run()
        assert (heard.unit().state, outcome.state) == (_S.FAILED, _P.FAILED)
        assert [said for said in self.says if said not in outcome.message] == []
        assert heard.queue.left() == 0
        assert heard.money() == self.unpaid

    def check_done(self, heard: HearingDeployment) -> None:
        """Check that the next run settles the unit, and that one job is paid."""
        outcome = heard.run()
        assert (heard.unit().state, outcome.state, outcome.message) == (_S.SETTLED, _P.DONE, "")
        assert heard.money() == self.paid
