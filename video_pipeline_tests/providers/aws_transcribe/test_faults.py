"""What comes of each fault: the state of the unit and of the phase, what people read, what is paid.

A double of Transcribe makes the faults; S3 is a real server, MongoDB and the media are real. Two
projects are there, and the other one's video is never touched.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from video_pipeline.catalog.mongo import MongoCatalog
from video_pipeline.domain.errors import FailureCategory
from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.media.child import ChildMediaReader
from video_pipeline.pipeline.analyse import analyse
from video_pipeline.pipeline.arrive import register_now
from video_pipeline.pipeline.choices import Choices, PhaseChoice
from video_pipeline.pipeline.complete import sweep
from video_pipeline.pipeline.inspect import media_info, source_video
from video_pipeline.pipeline.outcome import Outcome
from video_pipeline.pipeline.services import Services, WorkPolicy
from video_pipeline.storage.folder import FolderOutputs
from video_pipeline.storage.s3_ingest import S3Ingest
from video_pipeline.testing import Double, Fault, serving
from video_pipeline.testing.transcribe import Settings, Transcribe
from video_pipeline_tests.fakes.delivery import encode
from video_pipeline_tests.stage.buckets import Servers
from video_pipeline_tests.stage.transcribing import Speech, speech

ACME, GLOBEX = VideoKey.parse("acme/one"), VideoKey.parse("globex/one")
_START = "StartTranscriptionJob"
_SECONDS = 2
"""Of sound in the film."""


@dataclass
class Stage:
    """A deployment whose transcripts are made by the double."""

    services: Services
    double: Double
    place: Speech

    def run(self, key: VideoKey = ACME) -> Outcome:
        """One run of the phase."""
        return analyse(self.services, key, {Phase.TRANSCRIPT})[Phase.TRANSCRIPT]

    def settled(self, key: VideoKey = ACME) -> Outcome:
        """Runs until the phase is not parked any more, as the completions sensor would."""
        outcome = self.run(key)
        for _ in range(100):
            if outcome.state is not PhaseState.PARKED:
                return outcome
            sweep(self.services, self.services.clock() + timedelta(minutes=2))
            self.services.sleep(0.05)
            outcome = self.run(key)
        raise AssertionError(f"still parked: {outcome.message}")

    def units(self, key: VideoKey = ACME) -> list[WorkUnit]:
        return self.services.of(key.project).units.of_video(key.video)

    def inject(self, what: str, **more: Any) -> None:
        self.double.inject(Fault(what=what, **more))

    def billed(self) -> int:
        """Seconds that the vendor bills."""
        return self.double.books()["billed"].get("Transcription", 0)

    def paid(self, key: VideoKey = ACME) -> int:
        """Seconds that the ledger says were paid."""
        return int(sum(used.quantity for unit in self.units(key) for used in unit.settled))


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encode(tmp_path_factory.mktemp("film") / "film.mp4")


@pytest.fixture
def place(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Speech:
    server = servers["ministack"]
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint)
    return speech(server)


@pytest.fixture
def stage(
    place: Speech,
    catalog: MongoCatalog,
    tmp_path: Path,
    film: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stage]:
    settings = Settings(s3=place.server.endpoint, running_seconds=0)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with serving(Transcribe(settings)) as double:
        words = place.plugin(double.endpoint, read_seconds=3)
        # How long nobody is asked after the vendor had no room.
        monkeypatch.setattr(words, "poll_seconds", 0.1)
        services = Services(
            catalog=catalog,
            ingest=S3Ingest(place.client("s3"), place.ingest),
            outputs=FolderOutputs(tmp_path / "outputs"),
            media=ChildMediaReader(),
            plugins={"words": words},
            choices=Choices(phases={Phase.TRANSCRIPT: PhaseChoice(providers=("words",))}),
            scratch=scratch,
            policy=WorkPolicy(lease_seconds=1, backoff_seconds=0.01),
        )
        stage = Stage(services, double, place)
        for key in (ACME, GLOBEX):
            arrive(stage, key, film.read_bytes())
        yield stage
        assert stage.units(GLOBEX) == [] or stage.units(GLOBEX)[0].state is UnitState.SETTLED


def arrive(stage: Stage, key: VideoKey, content: bytes) -> None:
    """Deliver a video, and inspect it."""
    object_key = f"{key.prefix}film.mp4"
    stage.place.client("s3").put_object(Bucket=stage.place.ingest, Key=object_key, Body=content)
    services = stage.services
    register_now(services.ingest, services.catalog, object_key, services.clock())
    assert source_video(services, key).state.good
    assert media_info(services, key).state.good


def test_two_projects_are_transcribed_and_pay_their_own(stage: Stage) -> None:
    for key in (ACME, GLOBEX):
        assert stage.settled(key).state is PhaseState.DONE
        assert [unit.state for unit in stage.units(key)] == [UnitState.SETTLED]
        assert stage.paid(key) == _SECONDS
    assert stage.double.books()["submissions"] == 2


@pytest.mark.parametrize("fault", ["throttled", "limit_exceeded", "server_error", "unavailable"])
def test_what_passes_is_asked_again_and_paid_once(stage: Stage, fault: str) -> None:
    stage.inject(fault, operation=_START, times=2)
    assert stage.settled().state is PhaseState.DONE
    assert stage.double.books()["submissions"] == 1
    assert stage.paid() == _SECONDS


@pytest.mark.parametrize(
    "fault", ["reply_lost", "reset", "truncated", "malformed", "gateway_page", "hangs"]
)
def test_a_request_of_which_nobody_heard_is_made_again_under_its_name(
    stage: Stage, fault: str
) -> None:
    stage.inject(fault, operation=_START)
    assert stage.settled().state is PhaseState.DONE
    assert stage.double.books()["submissions"] == 1
    assert [unit.generation for unit in stage.units()] == [0]
    assert stage.paid() == _SECONDS


def test_what_never_is_heard_is_asked_by_the_next_run_under_its_name(stage: Stage) -> None:
    stage.inject("reply_lost", operation=_START, times=None)
    stage.inject("reply_lost", operation="GetTranscriptionJob", times=None)
    first = stage.run()
    assert first.state is PhaseState.FAILED
    assert "recognises the request and bills it once" in first.message
    assert [unit.state for unit in stage.units()] == [UnitState.SUBMITTING]
    stage.double.clear_faults()
    assert stage.settled().state is PhaseState.DONE
    assert stage.double.books()["submissions"] == 1


@pytest.mark.parametrize(
    ("fault", "category", "told"),
    [
        ("credentials_expired", FailureCategory.AUTH, "the credentials have expired"),
        ("access_denied", FailureCategory.AUTH, "access is denied"),
        ("kms_denied", FailureCategory.AUTH, "the KMS key may not be used"),
        ("media_unreadable", FailureCategory.AUTH, "the service cannot read the object"),
        ("bad_request", FailureCategory.INPUT_REJECTED, "does not take this media"),
        ("media_too_long", FailureCategory.INPUT_REJECTED, "the file is too long"),
    ],
)
def test_what_is_refused_fails_with_its_remedy_and_costs_nothing(
    stage: Stage, fault: str, category: FailureCategory, told: str
) -> None:
    stage.inject(fault, operation=_START)
    failed = stage.settled()
    assert failed.state is PhaseState.FAILED
    assert told in failed.message
    (unit,) = stage.units()
    assert unit.failure and unit.failure.category is category
    assert (stage.billed(), stage.paid()) == (0, 0)
    assert stage.settled().state is PhaseState.DONE
    assert (stage.billed(), stage.paid()) == (60, _SECONDS)


@pytest.mark.parametrize("fault", ["job_failed", "no_audio"])
def test_a_job_that_fails_says_why_and_its_name_is_not_used_again(stage: Stage, fault: str) -> None:
    stage.inject(fault, operation=_START)
    failed = stage.settled()
    assert failed.state is PhaseState.FAILED
    assert "does not take this media" in failed.message
    assert stage.paid() == 0
    assert stage.settled().state is PhaseState.DONE
    assert [unit.state for unit in stage.units()] == [UnitState.FAILED, UnitState.SETTLED]
    assert len({job["name"] for job in stage.double.books()["jobs"]}) == 2


def test_a_job_that_the_service_forgot_has_expired(stage: Stage) -> None:
    stage.double.configure(running_seconds=3600)
    assert stage.run().state is PhaseState.PARKED
    stage.inject("job_gone", operation="GetTranscriptionJob", times=None)
    failed = stage.settled()
    assert failed.state is PhaseState.FAILED
    (unit,) = stage.units()
    assert unit.failure and unit.failure.category is FailureCategory.RESULT_EXPIRED


def test_a_result_that_is_not_there_was_paid(stage: Stage) -> None:
    stage.inject("output_missing", operation=_START)
    failed = stage.settled()
    assert failed.state is PhaseState.FAILED
    assert "does not lie in the output bucket" in failed.message
    assert stage.paid() == _SECONDS


def test_a_result_that_cannot_be_read_fails_with_its_pages_kept(stage: Stage) -> None:
    stage.inject("output_malformed", operation=_START)
    failed = stage.settled()
    assert failed.state is PhaseState.FAILED
    assert "cannot be read" in failed.message and "pages are kept" in failed.message
    assert stage.settled().state is PhaseState.FAILED
    (unit,) = stage.units()
    assert unit.failure is None
    assert stage.double.books()["submissions"] == 1


def test_silence_is_a_transcript_without_words(stage: Stage) -> None:
    stage.inject("no_words", operation=_START)
    done = stage.settled()
    assert done.state is PhaseState.DONE
    assert done.result and done.result.language is None


@pytest.mark.parametrize("fault", ["throttled", "server_error", "credentials_expired", "reset"])
def test_a_job_that_cannot_be_looked_up_stays_parked_and_is_fetched_later(
    stage: Stage, fault: str
) -> None:
    stage.inject(fault, operation="GetTranscriptionJob", times=40)
    parked = stage.run()
    assert parked.state is PhaseState.PARKED
    assert stage.units()[0].state is UnitState.RUNNING
    stage.double.clear_faults()
    assert stage.settled().state is PhaseState.DONE
    assert stage.double.books()["submissions"] == 1


def test_a_video_replaced_while_its_job_ran_is_not_published_and_was_paid(
    stage: Stage, film: Path
) -> None:
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
    assert stage.paid() == _SECONDS


def test_the_account_runs_no_more_at_once_than_it_may(stage: Stage) -> None:
    stage.double.configure(concurrent=0)
    refused = stage.run()
    assert refused.state is not PhaseState.DONE
    stage.double.configure(concurrent=1)
    assert stage.settled().state is PhaseState.DONE
    assert stage.billed() == 60


def test_who_has_another_provider_is_served_by_it(stage: Stage) -> None:
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
