"""The suite that every plugin passes. Needs pytest.

    from video_pipeline.plugins.conformance import TemporalConformance

    class TestMine(TemporalConformance):
        @pytest.fixture
        def plugin(self):
            return Mine(MineOptions())

Override `sample` where the drawn one is not enough: a plugin fed `File` needs a file. Override
`confused` where the service under the plugin can be made to answer for another job.
"""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pytest

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import phases_of
from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit, unit_id
from video_pipeline.plugins.base import (
    AnalysisRequest,
    Calls,
    Jobs,
    Plugin,
    Refusal,
    Streams,
    UnitPlan,
)
from video_pipeline.plugins.conformance.sample import Sample, drawn_sample
from video_pipeline.plugins.conformance.watch import touched_within
from video_pipeline.plugins.inputs import Frames
from video_pipeline.plugins.temporal import BaseTemporalPlugin
from video_pipeline.plugins.transcription import BaseTranscriptionPlugin

_UNKNOWN_KIND = "x-nobody-finds-this"
_UNKNOWN_LANGUAGE = "xx"
_THEN = datetime(2026, 1, 1, tzinfo=UTC)
Answers = list[tuple[WorkRequest, list[bytes]]]
AnyPlugin = BaseTemporalPlugin | BaseTranscriptionPlugin


class _Conformance:
    """The tests of every plugin."""

    poll_pause: ClassVar[float] = 0.1
    """Seconds between two polls of a job."""
    polls: ClassVar[int] = 100
    """Polls after which a job counts as lost."""

    @pytest.fixture
    def plugin(self) -> Any:
        """Return the plugin under test: override this."""
        raise NotImplementedError("override the fixture `plugin`")

    @pytest.fixture
    def sample(self, plugin: Plugin, tmp_path: Path) -> Sample:
        """Return what the plugin is fed."""
        fed = plugin.capabilities().fed
        return drawn_sample(tmp_path, fed if isinstance(fed, Frames) else None)

    @pytest.fixture
    def units(self, plugin: Plugin, sample: Sample) -> list[WorkUnit]:
        """Return the units that the plugin plans for all that it declares."""
        planned = plugin.plan(everything(plugin, sample.media))
        assert not isinstance(planned, Refusal), f"refuses the sample: {planned.reason}"
        return [_unit(plugin, plan) for plan in planned]

    @pytest.fixture
    def answers(self, plugin: Plugin, sample: Sample, units: list[WorkUnit]) -> Answers:
        """Return each request with its raw pages."""
        return [(unit.request, self.pages(plugin, unit, sample)) for unit in units]

    @pytest.fixture
    def confused(self, plugin: Any) -> Callable[[str], None] | None:
        """Return what makes the service answer for this job with another one's result.

        None where the service cannot be made to: its plugin is not tested for that.
        """
        return None

    def pages(self, plugin: Plugin, unit: WorkUnit, sample: Sample) -> list[bytes]:
        """Run one unit to its end and return the raw pages."""
        if isinstance(plugin, Streams):
            return streamed(plugin, unit.request, sample, len(sample.frames[0].pts))
        if isinstance(plugin, Calls):
            return list(plugin.call(unit, sample.inputs, lambda fraction: None))
        if not isinstance(plugin, Jobs):
            raise TypeError("derive the plugin from Streams, Calls or Jobs")
        taken = plugin.submit(unit, sample.media, sample.inputs)
        if taken.pages is not None:
            return list(taken.pages)
        assert taken.job, "a submission names a job or holds the pages"
        self.wait(plugin, taken.job)
        return list(plugin.fetch(taken.job))

    def wait(self, plugin: Jobs, job: str) -> None:
        """Wait until the job has succeeded."""
        for _ in range(self.polls):
            status = plugin.poll([job])[job]
            if status.state != "running":
                assert status.state == "succeeded", status.failure
                return
            time.sleep(self.poll_pause)
        raise AssertionError(f"job {job} did not end")

    def test_it_has_a_name_and_a_version(self, plugin: Plugin) -> None:
        assert plugin.name and plugin.version

    def test_its_options_are_frozen_and_refuse_unknown_ones(self, plugin: Plugin) -> None:
        config = plugin.Options.model_config
        assert config.get("frozen") is True
        assert config.get("extra") == "forbid"

    def test_making_one_touches_no_network_and_no_file(self, plugin: Plugin) -> None:
        with touched_within() as touched:
            again = type(plugin)(plugin.options)
            again.capabilities()
        assert touched == []

    def test_it_declares_the_same_twice(self, plugin: Plugin) -> None:
        assert plugin.capabilities() == plugin.capabilities()

    def test_a_stream_is_free_to_repeat(self, plugin: Plugin) -> None:
        if isinstance(plugin, Streams):
            assert plugin.capabilities().replay == "free"

    def test_it_plans_the_same_twice_and_touches_nothing(
        self, plugin: Plugin, sample: Sample
    ) -> None:
        request = everything(plugin, sample.media)
        before = plugin.plan(request)
        with touched_within() as touched:
            assert plugin.plan(request) == before
        assert touched == []

    def test_it_plans_usage_by_its_declared_meter(
        self, plugin: Plugin, units: list[WorkUnit]
    ) -> None:
        spec = plugin.capabilities().meter
        for unit in units:
            assert unit.planned, "a unit says what it will use"
            assert {(used.meter, used.paid) for used in unit.planned} == {(spec.meter, spec.paid)}

    def test_it_reads_usage_from_its_pages_the_same_twice(
        self, plugin: Plugin, sample: Sample, answers: Answers
    ) -> None:
        for request, pages in answers:
            used = plugin.usage(request, sample.media, pages)
            assert used == plugin.usage(request, sample.media, pages)
            assert {usage.meter for usage in used} == {plugin.capabilities().meter.meter}
            assert all(usage.quantity >= 0 for usage in used)

    def test_its_raw_pages_are_bytes(self, answers: Answers) -> None:
        for _, pages in answers:
            assert all(type(page) is bytes for page in pages)

    def test_a_stream_does_not_care_how_frames_are_batched(
        self, plugin: Plugin, sample: Sample, units: list[WorkUnit]
    ) -> None:
        if isinstance(plugin, Streams):
            whole = self.pages(plugin, units[0], sample)
            assert streamed(plugin, units[0].request, sample, 7) == whole

    def test_a_job_can_be_looked_up_and_fetched_again(
        self, plugin: Plugin, sample: Sample, units: list[WorkUnit]
    ) -> None:
        if not isinstance(plugin, Jobs):
            return
        job = plugin.submit(units[0], sample.media, sample.inputs).job
        if job is None:
            return
        if plugin.capabilities().replay == "deduplicated":
            assert plugin.submit(units[0], sample.media, sample.inputs).job == job
        self.wait(plugin, job)
        assert plugin.poll([job]) == plugin.poll([job])
        assert list(plugin.fetch(job)) == list(plugin.fetch(job))

    def test_a_result_of_another_job_is_fetched_later(
        self,
        plugin: Plugin,
        sample: Sample,
        units: list[WorkUnit],
        confused: Callable[[str], None] | None,
    ) -> None:
        if not isinstance(plugin, Jobs) or confused is None:
            return
        job = plugin.submit(units[0], sample.media, sample.inputs).job
        if job is None:
            return
        self.wait(plugin, job)
        confused(job)
        with pytest.raises(ProviderError) as refused:
            list(plugin.fetch(job))
        assert refused.value.category is FailureCategory.TRANSIENT

    def test_a_job_nobody_knows_is_left_out(self, plugin: Plugin) -> None:
        if isinstance(plugin, Jobs):
            assert "nobody-knows-this-job" not in plugin.poll(["nobody-knows-this-job"])

    def test_it_normalises_the_same_twice(
        self, plugin: AnyPlugin, sample: Sample, answers: Answers
    ) -> None:
        for request, pages in answers:
            first = _normalised(plugin, request, sample, pages)
            assert _normalised(plugin, request, sample, pages) == first

    def test_it_says_so_when_pages_cannot_be_read(
        self, plugin: AnyPlugin, sample: Sample, units: list[WorkUnit]
    ) -> None:
        with pytest.raises(ProviderError) as refused:
            _normalised(plugin, units[0].request, sample, [b"\x00 no page"])
        assert refused.value.category is FailureCategory.MALFORMED_RESULT


class TemporalConformance(_Conformance):
    """The suite of temporal plugins."""

    def test_it_finds_something(self, plugin: BaseTemporalPlugin) -> None:
        assert isinstance(plugin, BaseTemporalPlugin)
        assert plugin.capabilities().kinds

    def test_its_plan_covers_every_kind_exactly_once(
        self, plugin: BaseTemporalPlugin, sample: Sample
    ) -> None:
        every = plugin.capabilities().kinds
        for kinds in (every, *((kind,) for kind in every)):
            planned = plugin.plan(AnalysisRequest(media=sample.media, kinds=kinds))
            if isinstance(planned, Refusal):
                assert planned.reason
            else:
                assert sorted(kind for plan in planned for kind in plan.kinds) == sorted(kinds)

    def test_it_refuses_a_kind_that_it_does_not_declare(
        self, plugin: BaseTemporalPlugin, sample: Sample
    ) -> None:
        request = AnalysisRequest(media=sample.media, kinds=(_UNKNOWN_KIND,))
        assert isinstance(plugin.plan(request), Refusal)

    def test_its_markers_are_declared_ordered_and_within_the_video(
        self,
        plugin: BaseTemporalPlugin,
        sample: Sample,
        answers: Answers,
    ) -> None:
        for request, pages in answers:
            markers = list(plugin.normalise(request, sample.media, iter(pages)))
            assert {marker.kind for marker in markers} <= set(request.kinds)
            for kind in request.kinds:
                ranges = [marker.range for marker in markers if marker.kind == kind]
                _check_ranges(ranges, sample.media.extent)


class TranscriptionConformance(_Conformance):
    """The suite of transcription plugins."""

    def test_it_speaks_something(self, plugin: BaseTranscriptionPlugin) -> None:
        assert isinstance(plugin, BaseTranscriptionPlugin)
        assert plugin.capabilities().languages

    def test_it_refuses_a_language_that_it_does_not_declare(
        self, plugin: BaseTranscriptionPlugin, sample: Sample
    ) -> None:
        if plugin.capabilities().languages != "any":
            request = AnalysisRequest(media=sample.media, language=_UNKNOWN_LANGUAGE)
            assert isinstance(plugin.plan(request), Refusal)

    def test_its_words_are_ordered_and_within_the_video(
        self,
        plugin: BaseTranscriptionPlugin,
        sample: Sample,
        answers: Answers,
    ) -> None:
        for request, pages in answers:
            transcript = plugin.normalise(request, sample.media, pages)
            assert isinstance(transcript, Transcript)
            _check_ranges([word.range for word in transcript.words], sample.media.extent)
            _check_ranges([one.range for one in transcript.segments], sample.media.extent)
            assert all(word.text == word.text.strip() != "" for word in transcript.words)


def everything(plugin: Plugin, media: MediaInfo) -> AnalysisRequest:
    """Return a request for all that a plugin declares, in a language that it names, if any."""
    declared = plugin.capabilities()
    named = declared.languages if declared.languages != "any" else frozenset[str]()
    return AnalysisRequest(media=media, kinds=declared.kinds, language=min(named, default=None))


def streamed(plugin: Streams, request: WorkRequest, sample: Sample, batch: int) -> list[bytes]:
    """Return the raw pages of one pass, fed at most `batch` frames at a time."""
    stream = plugin.start(request, sample.media)
    for frames in sample.in_batches_of(batch):
        stream.feed(frames)
    return list(stream.finish(sample.media.duration))


def _unit(plugin: Plugin, plan: UnitPlan) -> WorkUnit:
    request = WorkRequest(
        key=VideoKey(project="conformance", video="sample"),
        content="5a" * 32,
        provider="under-test",
        plugin=f"{plugin.name} {plugin.version}",
        account=plugin.account,
        region=plugin.region,
        operation=plan.operation,
        phases=phases_of(plan.kinds),
        kinds=plan.kinds,
        parameters=plan.parameters,
        model=plan.model,
    )
    return WorkUnit(
        id=unit_id(request, 1),
        request=request,
        generation=1,
        state=UnitState.SUBMITTING,
        planned=plan.usage,
        created_at=_THEN,
        updated_at=_THEN,
    )


def _normalised(
    plugin: AnyPlugin, request: WorkRequest, sample: Sample, pages: Iterable[bytes]
) -> Transcript | list[Marker]:
    found = plugin.normalise(request, sample.media, iter(pages))
    return found if isinstance(found, Transcript) else list(found)


def _check_ranges(ranges: list[TimeRange], extent: TimeRange) -> None:
    assert all(found.within(extent) for found in ranges), "a range exceeds the video"
    assert all(a.start <= b.start for a, b in pairwise(ranges)), "not ordered by start"
