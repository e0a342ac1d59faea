"""Events of Transcribe that are lost, double, early, foreign or tell of a job that failed."""

import pytest

from video_pipeline_tests.contracts.events_contract import EventsContract
from video_pipeline_tests.providers.aws.transcribe.asking_transcribe import (
    SECONDS,
    HearingStage,
    Stage,
    hearing,
)


class TestTranscribe(EventsContract):
    paid = (60, SECONDS)
    unpaid = (0, 0)
    job_fails = "job_failed"
    says = ("doesn't match the detected media format", "choose another provider")

    @pytest.fixture
    def heard(self, stage: Stage) -> HearingStage:
        return hearing(stage)
