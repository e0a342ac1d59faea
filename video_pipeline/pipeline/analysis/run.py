"""Analyses one video: runs the requested phases until each is done, parked or failed.

Phases do not affect each other. Remote jobs are submitted first, so that they run beside local
work; then one decode feeds all local plugins and keeps candidates for pictures, while speech runs
in parallel. Results of ended jobs come last, so that they are checked against what was decoded. A
phase whose provider failed goes to its next provider in another round.
"""

import logging
import threading
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from video_pipeline.domain.errors import (
    CatalogUnavailable,
    InputError,
    PipelineError,
    ProviderError,
    SourceError,
)
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import TEMPORAL, Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.findings import RULES, Needed, kinds_of
from video_pipeline.domain.unit_policy import Found, is_final
from video_pipeline.pipeline.analysis.audio import publish as publish_audio
from video_pipeline.pipeline.analysis.decode import (
    Consumers,
    Stream,
    decode,
    open_stream,
)
from video_pipeline.pipeline.analysis.fan_in import FanIn
from video_pipeline.pipeline.analysis.inputs import Feeder
from video_pipeline.pipeline.analysis.phase_plan import PhaseQueue, join_or_close
from video_pipeline.pipeline.analysis.planner import Subject
from video_pipeline.pipeline.jobs import remote_job
from video_pipeline.pipeline.jobs.cancel import orphan
from video_pipeline.pipeline.jobs.existing_pages import ExistingPages
from video_pipeline.pipeline.jobs.lease import Leases
from video_pipeline.pipeline.jobs.planned import Planned
from video_pipeline.pipeline.jobs.unit_run import UnitDriver, drive, plugin_broke
from video_pipeline.pipeline.pictures import candidates
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.progress.outcome import Outcome, failed
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.publishing.results import Share, publish, usage_of
from video_pipeline.pipeline.publishing.tracks import link_again
from video_pipeline.pipeline.selection.choice import ProjectProviders
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.signals import stored
from video_pipeline.pipeline.source.probe import known_source
from video_pipeline.pipeline.source.read import LocalSource, source_uri
from video_pipeline.pipeline.source.scratch import run_folder
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.plugins.base import Calls, Jobs, Progress, Streams
from video_pipeline.plugins.inputs import Inputs, Object

_log = logging.getLogger(__name__)


def analyse(
    services: Services,
    key: VideoKey,
    phases: Collection[Phase],
    *,
    providers: Mapping[Phase, tuple[str, ...]] | None = None,
    run_id: str = "",
    forced_by: str = "",
) -> dict[Phase, Outcome]:
    """Return an outcome for each phase, and for phases whose tracks were relinked to new shots.

    `providers` overrides the choice of single phases for this run. `forced_by`, the id of a run,
    requests and pays for existing results again, but only once for the same id. Raises SourceError
    for a video that is not registered. Nothing is recorded of it.
    """
    run = VideoRun.of(services, key, run_id, forced_by)
    run.record()
    try:
        record = known_source(run)
        if (media := record.media) is None:
            remedy = "Run media_info first."
            raise SourceError("the source was not probed yet", where=str(key), remedy=remedy)
    except SourceError as error:
        return {phase: Reporter(run).ended(failed(phase, error)) for phase in phases}
    run = run.with_content(media.sha256)
    chosen = ProjectProviders(key.project, services.choices, services.plugins, providers or {})
    uri = source_uri(services.ingest, key, record.source.object_key)
    subject = Subject(media, chosen.language, uri, record.decoded)
    queue = PhaseQueue(run, subject, chosen, services.policy.dead_after)
    queue.units = join_or_close(services, run, queue, phases)
    queue.fill(phases)
    with (
        run_folder(services.scratch) as folder,
        Leases(services, run.catalog.units) as leases,
    ):
        source = LocalSource(services.ingest, record, folder, services.scratch_bytes)
        feeder = Feeder(run, source, media, services.media, services.find_speech)
        existing = ExistingPages(services, key)
        while queue.pending:
            _Round(services, run, queue, leases, feeder, existing).run()
    return queue.outcomes | _relink_tracks(run, queue.outcomes)


def _relink_tracks(run: VideoRun, outcomes: Mapping[Phase, Outcome]) -> dict[Phase, Outcome]:
    """Relink boxes that were published before the shots, so that tracks end at shots.

    These are the phases done in this run and, if it made the shots, those done before it.
    """
    done = {phase: one for phase, one in outcomes.items() if one.state is PhaseState.DONE}
    shots = outcomes.get(Phase.SHOTS)
    if shots is not None and shots.state.good:
        statuses = run.catalog.results.statuses(run.key.video)
        before = {p for p, status in statuses.items() if status.state is PhaseState.DONE}
        for phase in before.intersection(TEMPORAL).difference(outcomes):
            done[phase] = Outcome(phase=phase, state=PhaseState.DONE)
    linked = dict[Phase, Outcome]()
    for phase, outcome in done.items():
        result = link_again(run, phase)
        if result is not None:
            linked[phase] = outcome.published(result)
    return linked


def _begins(planned: Planned) -> tuple[bool, str]:
    """Return the place of a unit among those of a round: first those that need no media.

    Those that stay leased until their end come in one order in all runs, as two runs of a video
    may wait for each other's units otherwise.
    """
    held = not isinstance(planned.plugin, Jobs)
    fed_object = isinstance(planned.plugin.capabilities().fed, Object)
    return not fed_object, planned.request.digest if held else ""


class _Round:
    """One request to the next provider of each phase, and the pipeline's own phases."""

    def __init__(
        self,
        services: Services,
        run: VideoRun,
        queue: PhaseQueue,
        leases: Leases,
        feeder: Feeder,
        existing: ExistingPages,
    ) -> None:
        self._services, self._run, self._queue = services, run, queue
        self._leases, self._feeder, self._existing = leases, feeder, existing
        self._calls: list[tuple[UnitDriver, Calls]] = []
        self._arrived: list[Share] = []
        self._consumers = Consumers()
        self._fan_in = FanIn(())
        self._own = queue.take_own()
        self._keeps_candidates = False
        self._interrupted = threading.Event()

    def run(self) -> None:
        planned = [p for provider in self._queue.next_providers() for p in self._plan(*provider)]
        self._fan_in = FanIn(planned)
        for one in filter(self._fan_in.is_wanted, sorted(planned, key=_begins)):
            self._guard(one, partial(self._begin, one))
        self._park()
        lacking = self._lacking_signals()
        tasks: list[Callable[[], None]] = []
        self._keeps_candidates = self._candidates_are_due()
        if self._consumers.streams or self._keeps_candidates or "pictures" in lacking:
            tasks.append(self._decode)
        if Phase.AUDIO in self._own:
            tasks.append(self._publish_audio)
        elif "sound" in lacking:
            tasks.append(self._measure_sound)
        tasks += [partial(self._call, driver, plugin) for driver, plugin in self._calls]
        self._side_by_side(tasks)
        for share in self._arrived:
            self._guard(share.driver.planned, partial(self._settle, share))
        self._park()

    def _side_by_side(self, tasks: Iterable[Callable[[], None]]) -> None:
        """Do the tasks in threads. A signal that interrupts this thread interrupts them too."""
        with ThreadPoolExecutor(self._services.policy.workers) as pool:
            try:
                for done in [pool.submit(task) for task in tasks]:
                    done.result()
            except Exception:
                raise
            except BaseException:
                self._interrupted.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _go_on(self, fraction: float = 0.0) -> None:
        """Raise KeyboardInterrupt in a task of an interrupted run. Reports no progress."""
        if self._interrupted.is_set():
            raise KeyboardInterrupt

    def _lacking_signals(self) -> set[Needed]:
        """Return the signals to make only for checks of the results that have arrived."""
        if self._services.truth.signals != "always":
            return set()
        phases = {phase for share in self._arrived for phase in share.driver.planned.phases}
        needed = {RULES[kind].needs for phase in phases for kind in kinds_of(phase)}
        media, lacking = self._queue.media, set[Needed]()
        if "pictures" in needed and media.video and stored.pictures(self._run) is None:
            lacking.add("pictures")
        if "sound" in needed and media.audio and stored.sound(self._run) is None:
            lacking.add("sound")
        return lacking

    def _plan(self, provider: str, phases: list[Phase]) -> list[Planned]:
        try:
            return self._queue.assigner().plan(provider, self._services.plugins[provider], phases)
        except ProviderError as error:
            self._queue.failed(phases, error, provider)
            return []

    def _guard(self, planned: Planned, work: Callable[[], None]) -> None:
        try:
            work()
        except PipelineError as error:
            self._failed(planned.phases, error, planned.provider)

    def _failed(self, phases: Collection[Phase], error: PipelineError, provider: str) -> None:
        self._queue.failed(self._fan_in.failed(phases), error, provider)

    def _park(self) -> None:
        """Park the phases that only wait for jobs. Mark jobs that no phase needs as orphaned."""
        for phase, units in self._fan_in.take_waiting().items():
            self._queue.parked(phase, units)
        for unit in self._fan_in.take_orphaned():
            orphan(self._services, unit, "another request for the same phase failed")

    def _begin(self, planned: Planned) -> None:
        forced_by = self._run.forced_by
        driver = drive(self._services, planned, self._leases, self._existing, forced_by=forced_by)
        self._queue.started(planned, driver.unit.id)
        found, plugin = driver.standing(), planned.plugin
        if found is Found.READ:
            self._arrived.append(self._share(driver))
        elif found is not Found.POLL and not driver.admitted():
            self._fan_in.parked(planned, driver.unit)
        elif isinstance(plugin, Jobs):
            inputs = partial(self._inputs, driver)
            if remote_job.advance(driver, plugin, found, self._queue.media, inputs):
                self._arrived.append(self._share(driver))
            else:
                self._fan_in.parked(planned, driver.unit)
        elif isinstance(plugin, Streams):
            self._consumers.streams.append(open_stream(driver, plugin, self._queue.media))
        elif isinstance(plugin, Calls):
            self._calls.append((driver, plugin))
        else:
            raise plugin_broke(planned.provider, TypeError("it is none of Streams, Calls and Jobs"))

    def _share(self, driver: UnitDriver) -> Share:
        media, is_paid = self._queue.media, any(used.paid for used in driver.planned.usage)
        # A provider bills what the file declares. Work done here is what was decoded.
        return Share(driver, usage_of(driver, media if is_paid else self._queue.decoded_media))

    def _settle(self, share: Share) -> None:
        """Publish the phases that this unit completes, then settle it.

        If the process dies in between, the unit is still open and a later run finds it.
        """
        media, driver = self._queue.media, share.driver
        ended, failed = list[Outcome](), list[tuple[Phase, PipelineError]]()
        for phase, shares in self._fan_in.arrived(share):
            try:
                ended.append(publish(self._run, phase, shares, media, self._services.truth))
            except CatalogUnavailable:
                raise
            except PipelineError as error:
                failed.append((phase, error))
        if is_final(error for _, error in failed):
            driver.settle(share.used)
        self._queue.ended(ended)
        for phase, error in failed:
            self._failed([phase], error, driver.planned.provider)

    def _inputs(self, driver: UnitDriver) -> Inputs:
        try:
            fed = driver.planned.plugin.capabilities().fed
            return self._feeder.inputs(fed, self._go_on)
        except InputError as error:
            driver.fail(error)
            raise

    def _call(self, driver: UnitDriver, plugin: Calls) -> None:
        planned = driver.planned
        phase = (planned.phases or planned.request.phases)[0]
        report = self._queue.report.progress(phase, planned.provider)

        def progress(fraction: float) -> None:
            self._go_on()
            self._leases.check(driver.unit.id)
            report(fraction)

        def work() -> None:
            inputs = self._inputs(driver)
            pages = driver.request(lambda: list(plugin.call(driver.unit, inputs, progress)))
            assert pages is not None, "only jobs are deferred"
            driver.store(pages)
            self._settle(self._share(driver))

        self._guard(planned, work)

    def _measure_sound(self) -> None:
        """Make the signals of the sound. Without them, results are published unchecked."""
        try:
            self._feeder.audio(self._go_on)
        except PipelineError as error:
            _log.warning("%s: the sound cannot be compared: %s", self._run.key, error)

    def _publish_audio(self) -> None:
        report = self._queue.report.progress(Phase.AUDIO, own_results.PROVIDER)

        def progress(fraction: float) -> None:
            self._go_on()
            report(fraction)

        try:
            self._queue.ended([publish_audio(self._run, self._feeder.audio(progress))])
        except PipelineError as error:
            self._queue.failed([Phase.AUDIO], error, own_results.PROVIDER)

    def _candidates_are_due(self) -> bool:
        """Return whether to keep candidates for pictures of the shots that are asked for.

        The source is not opened for them alone: that is left to the phase of the pictures.
        """
        is_opened = self._consumers.streams or Phase.AUDIO in self._own
        if not is_opened or self._queue.media.video is None or not self._queue.asks(Phase.SHOTS):
            return False
        shots = self._queue.outcomes.get(Phase.SHOTS)
        return candidates.are_due(self._run, shots.result if shots else None)

    def _decode(self) -> None:
        try:
            with self._keeping_candidates() as keeper:
                found = decode(
                    self._services.media,
                    self._feeder.source,
                    self._queue.media,
                    self._consumers,
                    self._decode_progress(),
                )
                if keeper is not None:
                    keeper.warnings = found.decoded.warnings
            stored.store_pictures(self._run, found)
            self._queue.decoded(found.decoded)
        except PipelineError as error:
            self._decode_failed(error)
            return
        for stream in self._consumers.streams:
            self._guard(stream.driver.planned, partial(self._settle_stream, stream))

    @contextmanager
    def _keeping_candidates(self) -> Generator[candidates.Keeper | None, None, None]:
        if not self._keeps_candidates:
            yield None
            return
        with candidates.keeping(self._run) as keeper:
            self._consumers.candidates = candidates.spec(self._queue.media)
            self._consumers.on_candidate = keeper.add
            yield keeper

    def _settle_stream(self, stream: Stream) -> None:
        if stream.error is not None:
            raise stream.error
        self._settle(self._share(stream.driver))

    def _decode_failed(self, error: PipelineError) -> None:
        """Fail every phase that depends on the decode. Without one, results stay unchecked."""
        _log.warning("%s: the video cannot be decoded: %s", self._run.key, error)
        for stream in self._consumers.streams:
            if isinstance(error, InputError):
                stream.driver.fail(error)
            planned = stream.driver.planned
            self._failed(planned.phases, error, planned.provider)

    def _decode_progress(self) -> Progress:
        reports = [
            self._queue.report.progress(phase, stream.driver.planned.provider)
            for stream in self._consumers.streams
            for phase in stream.driver.planned.phases
        ]

        def progress(fraction: float) -> None:
            self._go_on()
            for report in reports:
                report(fraction)

        return progress
