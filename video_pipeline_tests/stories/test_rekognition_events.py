"""Events of Rekognition that are lost, duplicate, early or foreign, or report an error."""

import pytest

from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState
from video_pipeline_tests.contracts.events_contract import EventsContract
from video_pipeline_tests.doubles.aws.asking_rekognition import Cloud, HearingCloud, hearing


class TestRekognition(EventsContract):
    paid = ([2000], 2)
    unpaid = ([], 0)
    job_fails = "event_error"
    says = ("The job encountered an issue", "Run the phase again, or choose another provider")

    @pytest.fixture
    def heard(self, cloud: Cloud) -> HearingCloud:
        return hearing(cloud)

    def test_event_is_received_for_job_after_a_failed_one(self, heard: HearingCloud) -> None:
        heard.inject("event_error")
        heard.run()
        heard.ended(events=1)
        assert heard.hear() and heard.run().state is PhaseState.FAILED
        assert heard.told() == (UnitState.RUNNING, PhaseState.PARKED)
        heard.ended(events=2)
        assert heard.hear()
        self.check_done(heard)
