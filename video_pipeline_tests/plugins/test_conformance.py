"""The conformance suite passes a sound plugin of each sort, and fails each kind of unsound one."""

import json
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.results.transcript import Segment, Transcript, Word
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.usage import Meter, MeterSpec
from video_pipeline.domain.work import WorkRequest, WorkUnit
from video_pipeline.plugins.base import AnalysisRequest, Calls, Jobs, JobStatus, Submission
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.conformance import TemporalConformance, TranscriptionConformance
from video_pipeline.plugins.inputs import Audio16k, Inputs, Object
from video_pipeline.plugins.temporal import BaseTemporalPlugin
from video_pipeline.plugins.transcription import BaseTranscriptionPlugin


def _malformed(error: Exception) -> ProviderError:
    return ProviderError(
        "not a page", category=FailureCategory.MALFORMED_RESULT, remedy="Ask again."
    )


class Remote(BaseTemporalPlugin, Jobs):
    """Two kinds by one job, at a service that lives in memory."""

    name = "remote"

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self._looks: dict[str, int] = {}
        self._confused = False

    def capabilities(self) -> Capabilities:
        return Capabilities(
            fed=Object(),
            replay="deduplicated",
            meter=MeterSpec(meter=Meter.VIDEO_SECONDS, paid=True, unit=Fraction(60)),
            kinds=("shot", "black"),
        )

    def submit(self, unit: WorkUnit, media: MediaInfo, inputs: Inputs) -> Submission:
        self._looks.setdefault(unit.id, 0)
        return Submission(job=unit.id)

    def poll(self, jobs: Sequence[str]) -> Mapping[str, JobStatus]:
        known = [job for job in jobs if job in self._looks]
        for job in known:
            self._looks[job] += 1
        return {
            job: JobStatus(state="running" if self._looks[job] < 3 else "succeeded")
            for job in known
        }

    def confuse(self, job: str) -> None:
        """Make the service answer with the result of another job."""
        self._confused = True

    def fetch(self, job: str) -> Iterator[bytes]:
        if self._confused:
            raise ProviderError(
                "another job's", category=FailureCategory.TRANSIENT, remedy="Ask again."
            )
        yield b'[["shot", "0", "1"], ["shot", "1", "2"]]'
        yield b'[["black", "0", "1/3"]]'

    def cancel(self, job: str) -> bool:
        return False

    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Iterator[Marker]:
        for page in pages:
            try:
                rows = json.loads(page)
            except ValueError as error:
                raise _malformed(error) from error
            for kind, start, end in rows:
                yield Marker(kind=kind, range=TimeRange(start=Fraction(start), end=Fraction(end)))


class Dictation(BaseTranscriptionPlugin, Calls):
    """Hears the same word, whatever is said."""

    name = "dictation"

    def capabilities(self) -> Capabilities:
        return Capabilities(
            fed=Audio16k(),
            replay="free",
            meter=MeterSpec(meter=Meter.AUDIO_SECONDS, paid=False),
            languages=frozenset({"en", "de"}),
        )

    def call(
        self, unit: WorkUnit, inputs: Inputs, progress: Callable[[float], None]
    ) -> Iterable[bytes]:
        assert inputs.audio and inputs.audio.read().size == inputs.audio.samples
        return [b'{"word": "hello"}']

    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Transcript:
        try:
            (text,) = [json.loads(page)["word"] for page in pages]
        except ValueError as error:
            raise _malformed(error) from error
        span = TimeRange(start=Fraction(0), end=Fraction(1))
        word = Word(text=text, range=span)
        return Transcript(segments=(Segment(text=text, range=span, words=(word,)),))


class TestJobs(TemporalConformance):
    poll_pause = 0.0

    @pytest.fixture
    def plugin(self) -> Remote:
        return Remote()

    @pytest.fixture
    def confused(self, plugin: Remote) -> Callable[[str], None]:
        return plugin.confuse


class TestCalls(TranscriptionConformance):
    @pytest.fixture
    def plugin(self) -> Dictation:
        return Dictation()


class Late(Remote):
    """Goes on after the video has ended."""

    def fetch(self, job: str) -> Iterator[bytes]:
        yield b'[["shot", "0", "99"]]'


class Unordered(Remote):
    def fetch(self, job: str) -> Iterator[bytes]:
        yield b'[["shot", "1", "2"], ["shot", "0", "1"]]'


class Undeclared(Remote):
    def fetch(self, job: str) -> Iterator[bytes]:
        yield b'[["face", "0", "1"]]'


class Fickle(Remote):
    """Gives another answer each time."""

    fetched = 0

    def fetch(self, job: str) -> Iterator[bytes]:
        self.fetched += 1
        yield json.dumps([["shot", "0", f"1/{self.fetched}"]]).encode()


class Credulous(Remote):
    """Takes the result of another job for its own."""

    def confuse(self, job: str) -> None:
        pass


class Twice(Remote):
    """Would pay for everything twice."""

    def plan(self, request: AnalysisRequest) -> Any:
        planned: Any = super().plan(request)
        return planned * 2 if isinstance(planned, tuple) else planned


class Greedy(Remote):
    """Takes on what it cannot find."""

    def plan(self, request: AnalysisRequest) -> Any:
        known = request.model_copy(update={"kinds": self.capabilities().kinds})
        return super().plan(known)


class Caller(Remote):
    """Talks to the network when made."""

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        with socket.socket() as line:
            line.settimeout(0.1)
            line.connect_ex(("127.0.0.1", 9))


class Texts(Remote):
    def fetch(self, job: str) -> Iterator[Any]:
        yield "[]"


_UNSOUND = {
    Late: "within_the_video",
    Unordered: "within_the_video",
    Undeclared: "within_the_video",
    Fickle: "fetched_again",
    Credulous: "result_of_another_job",
    Twice: "every_kind_exactly_once",
    Greedy: "refuses_a_kind",
    Caller: "touches_no_network",
    Texts: "pages_are_bytes",
}


_QUIETLY = ["--import-mode=importlib"]
_QUIETLY += [f"-pno:{plugin}" for plugin in ("terminal", "cacheprovider", "timeout", "hypothesis")]


@pytest.mark.parametrize("unsound", _UNSOUND, ids=lambda unsound: unsound.__name__)
def test_faulty_plugin_fails_the_matching_check(unsound: type, tmp_path: Path) -> None:
    found = tmp_path / f"test_{unsound.__name__.lower()}.py"
    found.write_text(
        "import pytest\n"
        "from video_pipeline.plugins.conformance import TemporalConformance\n"
        "class TestFound(TemporalConformance):\n"
        "    poll_pause = 0.0\n"
        "    @pytest.fixture\n"
        "    def plugin(self):\n"
        "        return self.make()\n"
        "    @pytest.fixture\n"
        "    def confused(self, plugin):\n"
        "        return plugin.confuse\n"
    )
    report = _Report()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TemporalConformance, "make", lambda self: unsound(), raising=False)
        pytest.main([*_QUIETLY, str(found)], [report])
    assert [name for name in report.failed if _UNSOUND[unsound] in name], report.failed


class _Report:
    """What failed in a run within the run."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)
