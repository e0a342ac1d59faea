"""The analysis: each phase by its choice, independent of the others, and made once."""

import itertools
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import ANALYSIS, Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.markers import Kind, Marker
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.usage import Meter, MeterSpec
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.publishing.timeline import read_timeline
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Calls, Progress, Streams
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.inputs import Audio16k, FrameBatch, Frames, Inputs
from video_pipeline.plugins.temporal import BaseTemporalPlugin
from video_pipeline.plugins.transcription import BaseTranscriptionPlugin
from video_pipeline_tests.doubles.delivery import encode
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
Choosing = Callable[..., Services]


class Brightness(BaseTemporalPlugin, Streams):
    """Begins a shot wherever the brightness jumps. Raises at the frame `breaks_at`."""

    name = "brightness"
    breaks_at: int | None = None

    def __init__(self, seen: list[tuple[int, ...]]) -> None:
        super().__init__()
        self.seen = seen

    def capabilities(self) -> Capabilities:
        meter = MeterSpec(meter=Meter.VIDEO_SECONDS, paid=False)
        return Capabilities(
            fed=Frames(width=16, pixel_format="gray"),
            replay="free",
            meter=meter,
            kinds=(Kind.SHOT,),
        )

    def start(self, request: WorkRequest, media: MediaInfo) -> "BrightnessPass":
        return BrightnessPass(self)

    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Iterator[Marker]:
        cuts = [Fraction(c) for page in pages for c in json.loads(page)]
        for start, end in itertools.pairwise(cuts):
            yield Marker(kind=Kind.SHOT, range=TimeRange(start=start, end=end))


class BrightnessPass:
    def __init__(self, plugin: Brightness) -> None:
        self._plugin, self._last, self._cuts = plugin, 0.0, [Fraction(0)]

    def feed(self, batch: FrameBatch) -> None:
        self._plugin.seen.append(batch.pixels.shape)
        for index, picture in enumerate(batch.pixels):
            number, shade = batch.first + index, float(picture.mean())
            if number == self._plugin.breaks_at:
                raise ValueError("the stream broke")
            if number and abs(shade - self._last) > 50:
                self._cuts.append(batch.start_of(index))
            self._last = shade

    def finish(self, end: Fraction) -> Iterable[bytes]:
        return [json.dumps([str(c) for c in [*self._cuts, end]]).encode()]


class Listener(BaseTranscriptionPlugin, Calls):
    """Records the number of samples, and returns an empty transcript."""

    name = "listener"

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[int] = []

    def capabilities(self) -> Capabilities:
        meter = MeterSpec(meter=Meter.AUDIO_SECONDS, paid=False)
        return Capabilities(fed=Audio16k(), replay="free", meter=meter, languages="any")

    def call(self, unit: WorkUnit, inputs: Inputs, progress: Progress) -> Iterable[bytes]:
        assert inputs.audio is not None
        self.heard.append(len(inputs.audio.read()))
        progress(0.5)
        yield b"{}"

    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Transcript:
        assert list(pages) == [b"{}"]
        return Transcript()


@pytest.fixture
def local(services: Services, choosing: Choosing) -> Services:
    """The deployment with a plugin that is fed frames and one that is fed audio."""
    plugins = {**services.plugins, "bright": Brightness([]), "listener": Listener()}
    chosen = choosing(Phase.SHOTS, "bright")
    chosen = replace(chosen, plugins=plugins)
    phases = {**chosen.choices.phases}
    phases[Phase.TRANSCRIPT] = phases[Phase.SHOTS].model_copy(update={"providers": ("listener",)})
    return replace(chosen, choices=chosen.choices.model_copy(update={"phases": phases}))


def test_analyse_ends_every_phase(local: Services, deliver: Deliver) -> None:
    key = deliver("acme/one")
    outcomes = analyse(local, key, ANALYSIS)
    assert {p: o.state for p, o in outcomes.items()} == {
        Phase.SHOTS: PhaseState.DONE,
        Phase.OBJECTS: PhaseState.NOT_CONFIGURED,
        Phase.EVENTS: PhaseState.NOT_CONFIGURED,
        Phase.AUDIO: PhaseState.DONE,
        Phase.TRANSCRIPT: PhaseState.DONE,
    }
    markers = list(local.of("acme").results.markers("one"))
    assert [(m.range.start, m.range.end) for m in markers] == [(0, 1), (1, 2)]
    assert list(local.of("globex").results.markers("one")) == []


def test_rerun_reuses_results_unless_forced(local: Services, deliver: Deliver) -> None:
    key = deliver("acme/one")
    analyse(local, key, ANALYSIS)
    again = analyse(local, key, ANALYSIS)
    made = (Phase.SHOTS, Phase.AUDIO, Phase.TRANSCRIPT)
    assert all(again[phase].reused or phase not in made for phase in again)
    units = local.of("acme").units
    assert len(units.of_video("one")) == 2
    # A run and its retry, another run, and one more retry of each.
    for forced_by in ("run-1", "run-1", "run-2", "run-1", "run-2"):
        analyse(local, key, [Phase.TRANSCRIPT], forced_by=forced_by)
    spoken = [u for u in units.of_video("one") if u.request.phases == (Phase.TRANSCRIPT,)]
    assert [(u.generation, u.forced_by) for u in spoken] == [(0, ""), (1, "run-1"), (2, "run-2")]


def test_transcript_alone_uses_published_audio(local: Services, deliver: Deliver) -> None:
    key = deliver("acme/one")
    analyse(local, key, [Phase.AUDIO])
    analyse(local, key, [Phase.TRANSCRIPT])
    listener = local.plugins["listener"]
    assert isinstance(listener, Listener)
    assert [abs(heard - 32000) < 2048 for heard in listener.heard] == [True]


def test_failing_stream_does_not_stop_the_decode(local: Services, deliver: Deliver) -> None:
    broken = Brightness([])
    broken.breaks_at = 30
    local = replace(local, plugins={**local.plugins, "bright": broken})
    key = deliver("acme/one")
    outcomes = analyse(local, key, [Phase.SHOTS, Phase.AUDIO])
    assert outcomes[Phase.AUDIO].state is PhaseState.DONE
    failed = outcomes[Phase.SHOTS]
    assert failed.state is PhaseState.FAILED and "the stream broke" in failed.message
    (unit,) = local.of("acme").units.of_video("one")
    assert unit.state is UnitState.FAILED


def test_failing_plugin_falls_back_to_next_provider(
    local: Services, deliver: Deliver, choosing: Choosing
) -> None:
    broken = Brightness([])
    broken.breaks_at = 0
    plugins = {**local.plugins, "broken": broken}
    order = {Phase.SHOTS: ("broken", "bright")}
    outcomes = analyse(
        replace(local, plugins=plugins), deliver("acme/one"), [Phase.SHOTS], providers=order
    )
    assert outcomes[Phase.SHOTS].provider == "bright"


def test_analyse_with_another_provider_for_one_run(
    local: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    vendor.behave("acme/one", "now")
    chosen = analyse(local, key, [Phase.SHOTS], providers={Phase.SHOTS: ("with-token",)})
    assert chosen[Phase.SHOTS].provider == "with-token"


def test_unknown_provider_is_named_with_reason(local: Services, deliver: Deliver) -> None:
    outcomes = analyse(
        local, deliver("acme/one"), [Phase.SHOTS], providers={Phase.SHOTS: ("nobody",)}
    )
    assert outcomes[Phase.SHOTS].state is PhaseState.FAILED
    assert "nobody is not available in this run" in outcomes[Phase.SHOTS].message


def test_transcript_without_audio_is_empty_with_warning(
    local: Services, deliver: Deliver, tmp_path: Path
) -> None:
    key = deliver("acme/mute", encode(tmp_path / "mute.mp4", audio=False))
    transcript = analyse(local, key, ANALYSIS)[Phase.TRANSCRIPT]
    assert transcript.state is PhaseState.DONE
    assert transcript.result and "no audio" in transcript.result.warnings[0]
    assert local.of("acme").units.of_video("mute")[0].request.phases == (Phase.SHOTS,)


def test_shots_without_video_stream_are_empty_with_warning(
    local: Services, deliver: Deliver, tmp_path: Path
) -> None:
    key = deliver("acme/blind", encode(tmp_path / "blind.mp4", video=False))
    outcomes = analyse(local, key, ANALYSIS)
    assert outcomes[Phase.SHOTS].result and outcomes[Phase.SHOTS].result.warnings
    assert outcomes[Phase.TRANSCRIPT].provider == "listener"


def test_analyse_unprobed_video_fails_with_remedy(local: Services, deliver: Deliver) -> None:
    key = deliver("acme/one", inspected=False)
    failed = analyse(local, key, [Phase.SHOTS])[Phase.SHOTS]
    assert failed.state is PhaseState.FAILED and "Run source_video first" in failed.message


def test_deleted_source_cancels_phases_that_read_it(
    local: Services, deliver: Deliver, tmp_path: Path
) -> None:
    key = deliver("acme/one")
    (tmp_path / "ingest" / key.prefix / "video.mp4").unlink()
    outcomes = analyse(local, key, [Phase.SHOTS, Phase.AUDIO])
    assert {o.state for o in outcomes.values()} == {PhaseState.CANCELLED}


def test_analyse_leaves_scratch_empty(local: Services, deliver: Deliver) -> None:
    analyse(local, deliver("acme/one"), ANALYSIS)
    assert list(local.scratch.iterdir()) == []


class Garbled(Brightness):
    """Fails to read its own pages."""

    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Iterator[Marker]:
        raise KeyError("cuts")


def test_unreadable_pages_are_reread_by_fixed_plugin(local: Services, deliver: Deliver) -> None:
    key, garbled = deliver("acme/one"), Garbled([])
    broken = replace(local, plugins={**local.plugins, "bright": garbled})
    outcomes = analyse(broken, key, ANALYSIS)
    assert outcomes[Phase.SHOTS].state is PhaseState.FAILED
    assert "KeyError" in outcomes[Phase.SHOTS].message
    assert outcomes[Phase.TRANSCRIPT].state is PhaseState.DONE
    fixed = Brightness([])
    fixed.version = "2"
    done = analyse(replace(local, plugins={**local.plugins, "bright": fixed}), key, [Phase.SHOTS])
    assert done[Phase.SHOTS].result and done[Phase.SHOTS].result.counts == {"shot": 2}
    assert fixed.seen == []
    assert [u.state for u in local.of("acme").units.of_video("one")].count(UnitState.SETTLED) == 2


def _kill_children(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Kill the next decoding processes as soon as they are started."""
    start, left = subprocess.Popen, iter(range(times))

    def started(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        process = start(*arguments, **options)
        if next(left, None) is not None:
            os.kill(process.pid, signal.SIGKILL)
        return process

    monkeypatch.setattr(subprocess, "Popen", started)


def test_decoder_killed_twice_changes_no_result(
    local: Services, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = deliver("acme/one"), deliver("acme/other")
    whole = analyse(local, one, ANALYSIS)
    _kill_children(monkeypatch, 2)
    again = analyse(local, other, ANALYSIS)
    assert {p: (o.state, o.message) for p, o in again.items()} == {
        p: (o.state, o.message) for p, o in whole.items()
    }
    results = local.of("acme").results
    assert list(results.markers("one")) == list(results.markers("other"))


def test_decoder_killed_three_times_leaves_its_phases_to_a_retry(
    local: Services, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, asked = deliver("acme/one"), [Phase.SHOTS]
    _kill_children(monkeypatch, 3)
    for outcome in analyse(local, key, asked).values():
        assert outcome.state is PhaseState.FAILED and outcome.passes
        assert "more memory" in outcome.message
    (unit,) = local.of("acme").units.of_video("one")
    assert not unit.state.final
    again = analyse(local, key, asked)
    assert {outcome.state for outcome in again.values()} == {PhaseState.DONE}
    assert [u.state for u in local.of("acme").units.of_video("one")] == [UnitState.SETTLED]


class Interrupted(Listener):
    """Interrupts the process as Ctrl-C does, and goes on until its progress raises.

    It fails if that does not happen.
    """

    def call(self, unit: WorkUnit, inputs: Inputs, progress: Progress) -> Iterable[bytes]:
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)
        never = threading.Event()
        for _ in range(1000):
            progress(0.5)
            never.wait(0.01)
        raise TimeoutError


def test_interrupted_run_ends_its_tasks_for_a_rerun(
    local: Services, deliver: Deliver, request: pytest.FixtureRequest
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    interrupted = replace(local, plugins={**local.plugins, "listener": Interrupted()})
    key = deliver("acme/one")
    with pytest.raises(KeyboardInterrupt):
        analyse(interrupted, key, [Phase.TRANSCRIPT])
    (unit,) = local.of("acme").units.of_video("one")
    assert unit.state is not UnitState.FAILED
    assert analyse(local, key, [Phase.TRANSCRIPT])[Phase.TRANSCRIPT].state is PhaseState.DONE


def test_another_language_makes_a_new_transcript(local: Services, deliver: Deliver) -> None:
    key = deliver("acme/one")
    analyse(local, key, [Phase.TRANSCRIPT])
    phases = dict(local.choices.phases)
    phases[Phase.TRANSCRIPT] = phases[Phase.TRANSCRIPT].model_copy(update={"language": "de"})
    german = replace(local, choices=local.choices.model_copy(update={"phases": phases}))
    assert not analyse(german, key, [Phase.TRANSCRIPT])[Phase.TRANSCRIPT].reused
    assert analyse(german, key, [Phase.TRANSCRIPT])[Phase.TRANSCRIPT].reused


@pytest.mark.parametrize("declared", [1, 3], ids=["too short", "too long"])
def test_a_wrong_declared_length(local: Services, deliver: Deliver, declared: int) -> None:
    """Results reach up to the decoded end, local usage is what was decoded; facts stay declared."""
    key, project = deliver("acme/intro"), local.of("acme")
    record = project.videos.get("intro")
    assert record is not None and record.media is not None
    media = record.media.model_copy(update={"duration": Fraction(declared), "audio": None})
    project.videos.set_media("intro", media.sha256, media)
    made = analyse(local, key, [Phase.SHOTS])[Phase.SHOTS].result
    assert made is not None and [used.quantity for used in made.usage] == [2]
    *_, last = project.results.markers("intro", [Phase.SHOTS])
    assert last.range.end == 2
    timeline = read_timeline(project, key)
    assert timeline.media.duration == max(declared, 2)
    assert timeline.media.decoded is not None and timeline.media.decoded.end == 2
    found = project.videos.get("intro")
    assert found is not None and found.media == media
