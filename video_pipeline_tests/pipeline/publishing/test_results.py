"""Results are checked before they are published: what policy does to provider, ledger and rows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

import pytest

from video_pipeline.domain.errors import FailureCategory
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.findings import FindingKind
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.usage import Meter, MeterSpec
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.policies import Choices, PhaseChoice, TruthPolicy
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Calls, Jobs, JobStatus, Progress, Submission
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.inputs import Audio, Audio16k, Feed, Inputs, Object
from video_pipeline.plugins.transcription import BaseTranscriptionPlugin
from video_pipeline_tests.pipeline.truth.talking import said, segment, span

Deliver = Callable[..., VideoKey]
_GOOD = said(segment("all that is said", 0.1, 0.4))


class _Saying(BaseTranscriptionPlugin):
    """Returns a transcript that is given."""

    name = "saying"
    fed: Feed = Audio16k()
    paid = False

    def __init__(self, transcript: Transcript) -> None:
        super().__init__()
        self.transcript, self.asked = transcript, 0

    def capabilities(self) -> Capabilities:
        meter = MeterSpec(meter=Meter.AUDIO_SECONDS, paid=self.paid)
        return Capabilities(fed=self.fed, replay="free", meter=meter, languages="any")

    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Transcript:
        return Transcript.model_validate_json(b"".join(pages))


class Local(_Saying, Calls):
    def call(self, unit: WorkUnit, inputs: Inputs, progress: Progress) -> Iterable[bytes]:
        self.asked += 1
        return [self.transcript.model_dump_json().encode()]


class Remote(_Saying, Jobs):
    """Answers at once, and never sees the media."""

    name, fed, paid = "remote", Object(), True

    def submit(self, unit: WorkUnit, media: MediaInfo, inputs: Inputs) -> Submission:
        self.asked += 1
        return Submission(pages=(self.transcript.model_dump_json().encode(),))

    def poll(self, jobs: Sequence[str]) -> dict[str, JobStatus]:
        raise NotImplementedError

    fetch = cancel = poll  # type: ignore[assignment]


class Truth:
    """A deployment with a paid remote transcription, then a local one, over audible speech."""

    def __init__(self, services: Services, remote: Transcript | None = None) -> None:
        self.remote, self.local, self.listened = Remote(remote or Transcript()), Local(_GOOD), 0
        plugins = {**services.plugins, "cloud": self.remote, "local": self.local}
        self.services = replace(services, plugins=plugins, find_speech=self._find_speech)
        self.choose("cloud", "local")

    def choose(self, *providers: str, optional: bool = False) -> None:
        chosen = {Phase.TRANSCRIPT: PhaseChoice(providers=providers, optional=optional)}
        self.services = replace(self.services, choices=Choices(phases=chosen))

    def decide(self, signals: str = "always", **checks: str) -> None:
        given = {kind.replace("_", "-"): policy for kind, policy in checks.items()}
        policy = TruthPolicy.model_validate({"checks": given, "signals": signals})
        self.services = replace(self.services, truth=policy)

    def analyse(self, key: VideoKey) -> Outcome:
        return analyse(self.services, key, [Phase.TRANSCRIPT])[Phase.TRANSCRIPT]

    def units(self, key: VideoKey) -> list[tuple[str, UnitState, bool]]:
        """Provider, state and whether it was billed of each unit."""
        units = self.services.of(key.project).units.of_video(key.video)
        return [(one.request.provider, one.state, bool(one.settled)) for one in units]

    def _find_speech(self, audio: Audio, progress: Progress) -> tuple[TimeRange, ...]:
        self.listened += 1
        return (span(0, 5),)


@pytest.fixture
def key(deliver: Deliver, long_video: object) -> VideoKey:
    deliver("globex/one")
    return deliver("acme/one", long_video)


_SETTLED = UnitState.SETTLED


def test_empty_success_goes_to_the_next_provider(services: Services, key: VideoKey) -> None:
    truth = Truth(services)
    truth.decide()
    done = truth.analyse(key)
    assert (done.state, done.provider) == (PhaseState.DONE, "local")
    (passed_over,) = (one for one in done.considered if not one.kept)
    assert "empty-over-speech at 0:00:00.000 to 0:00:05.000" in passed_over.reason
    assert truth.units(key) == [("cloud", _SETTLED, True), ("local", _SETTLED, True)]
    again = truth.analyse(key)
    assert again.reused and (truth.remote.asked, truth.local.asked) == (1, 1)
    assert services.of("globex").units.of_video("one") == []


def test_without_a_next_provider_the_phase_fails(services: Services, key: VideoKey) -> None:
    truth = Truth(services)
    truth.choose("cloud")
    truth.decide()
    for _ in range(2):
        failed = truth.analyse(key)
        assert (failed.state, failed.category) == (
            PhaseState.FAILED,
            FailureCategory.IMPLAUSIBLE,
        )
        assert "set `checks: {empty-over-speech: warn}` in pipeline.yaml" in failed.message
    assert truth.remote.asked == 1
    assert truth.units(key) == [("cloud", _SETTLED, True)]
    truth.decide(empty_over_speech="warn")
    done = truth.analyse(key)
    assert (done.state, truth.remote.asked) == (PhaseState.DONE, 1)
    assert done.result and [one.kind for one in done.result.findings] == ["empty-over-speech"]


def test_optional_phase_without_a_next_provider_is_skipped(
    services: Services, key: VideoKey
) -> None:
    truth = Truth(services)
    truth.choose("cloud", optional=True)
    truth.decide()
    skipped = truth.analyse(key)
    assert skipped.state is PhaseState.SKIPPED and "empty-over-speech" in skipped.message


def test_policy_fail_asks_nobody_else(services: Services, key: VideoKey) -> None:
    truth = Truth(services, said(segment("again " * 10, 0.1, 0.4)))
    truth.decide(loop="fail")
    failed = truth.analyse(key)
    assert (failed.state, failed.category) == (PhaseState.FAILED, FailureCategory.WITHHELD)
    assert (truth.local.asked, truth.units(key)) == (0, [("cloud", _SETTLED, True)])


def test_without_a_decode_it_is_published_unchecked(services: Services, key: VideoKey) -> None:
    truth = Truth(services)
    done = truth.analyse(key)
    assert (done.provider, truth.listened) == ("cloud", 0)
    assert (
        done.result and done.result.not_checked[FindingKind.EMPTY_OVER_SPEECH] == "no local decode"
    )
    assert done.result.findings == ()


def test_decode_of_the_same_run_is_used(services: Services, key: VideoKey) -> None:
    """The pages of an earlier run are there first; the audio of this run is heard before."""
    truth = Truth(services)
    assert truth.analyse(key).provider == "cloud"
    unit = truth.services.of("acme").units.of_video("one")[0]
    truth.services.of("acme").results.forget("one")
    outcomes = analyse(truth.services, key, [Phase.AUDIO, Phase.TRANSCRIPT])
    assert outcomes[Phase.TRANSCRIPT].provider == "local"
    assert truth.services.of("acme").units.of_video("one")[0].id == unit.id
    assert (truth.remote.asked, truth.listened) == (1, 1)


def test_word_beyond_the_end_is_cut_off_and_told(services: Services, key: VideoKey) -> None:
    late = segment("far too late", 4.5, 0.4)
    words = (*late.words[:2], late.words[2].model_copy(update={"range": span(5.5, 9)}))
    truth = Truth(services, said(late.model_copy(update={"words": words})))
    done = truth.analyse(key)
    assert done.result and [one.kind for one in done.result.findings] == [
        "stretched-word",
        "times-outside",
    ]
    assert all(warning in done.result.warnings for warning in map(str, done.result.findings))
    (published,) = truth.services.of("acme").results.segments("one")
    record = truth.services.of("acme").videos.get("one")
    assert record and record.media
    assert published.words[2].range.end == record.media.duration > Fraction(5)


def test_warning_of_a_transcript_is_published(services: Services, key: VideoKey) -> None:
    truth = Truth(services, _GOOD.model_copy(update={"warnings": ("a part is missing",)}))
    done = truth.analyse(key)
    stored = truth.services.of("acme").results.get("one", Phase.TRANSCRIPT)
    assert stored and stored == done.result
    assert stored.warnings == ("a part is missing",)
