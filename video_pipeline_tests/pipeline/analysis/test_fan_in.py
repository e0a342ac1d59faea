"""Phases that need several requests: events need three, one of which also serves shots."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.markers import Kind
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.backfill.preview import plan
from video_pipeline.pipeline.backfill.selection import Wish
from video_pipeline.pipeline.jobs.raw_pages import RawPages
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.job_plugin import SightOptions, VendorSights
from video_pipeline_tests.doubles.sweeping import sweep
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
BOTH = (Phase.SHOTS, Phase.EVENTS)
OPERATIONS = ("segments", "text", "moderation")


@pytest.fixture
def sighted(services: Services, vendor: Vendor) -> Services:
    """Shots and events by `sights`, with `other` as the fallback: the same vendor again."""
    sights = VendorSights(SightOptions(url=vendor.url, timeout_seconds=3))
    other = VendorSights(SightOptions(url=vendor.url, timeout_seconds=4))
    plugins = {"sights": sights, "other": other}
    order = PhaseChoice(providers=("sights", "other"))
    return replace(services, plugins=plugins, choices=Choices(phases=dict.fromkeys(BOTH, order)))


@pytest.fixture
def key(deliver: Deliver) -> VideoKey:
    return deliver("acme/one")


def units(services: Services, key: VideoKey) -> dict[str, list[WorkUnit]]:
    found: dict[str, list[WorkUnit]] = {}
    for unit in services.of(key.project).units.of_video(key.video):
        found.setdefault(unit.request.operation, []).append(unit)
    return found


def kinds(services: Services, key: VideoKey, phase: Phase) -> Counter[str]:
    return Counter(m.kind for m in services.of(key.project).results.markers(key.video, [phase]))


def events(services: Services, key: VideoKey, **options: str) -> Outcome:
    return analyse(services, key, [Phase.EVENTS], **options)[Phase.EVENTS]


def renewed(services: Services) -> Services:
    """Return services with a newer version of the plugin, whose older results are stale."""
    newer = VendorSights(services.plugins["sights"].options)
    newer.version = "2"
    return replace(services, plugins={"sights": newer})


def behave(vendor: Vendor, how: str, *operations: str) -> None:
    for operation in operations or OPERATIONS:
        vendor.behave(f"acme/one {operation}", how)  # type: ignore[arg-type]


def test_several_requests_give_one_result(sighted: Services, key: VideoKey, vendor: Vendor) -> None:
    behave(vendor, "now")
    done = analyse(sighted, key, BOTH)
    assert {o.state for o in done.values()} == {PhaseState.DONE}
    assert vendor.billed.total() == 3
    result = done[Phase.EVENTS].result
    assert result and result.provenance
    assert result.counts == {Kind.CUE: 2, Kind.TEXT: 2, Kind.MODERATION: 2}
    assert kinds(sighted, key, Phase.EVENTS) == result.counts
    starts = [m.range.start for m in sighted.of("acme").results.markers("one", [Phase.EVENTS])]
    assert starts == sorted(starts)
    made_by = {unit.id for (unit,) in units(sighted, key).values()}
    assert result.provenance.unit is None and set(result.provenance.units) == made_by
    (used,) = result.usage
    assert used.quantity == 4 * 2  # cues and shots, text, moderation, of two seconds
    shots = done[Phase.SHOTS].result
    assert shots and shots.provenance and shots.provenance.unit in made_by
    assert shots.provenance.units == () and shots.counts == {Kind.SHOT: 2}
    assert sighted.of("globex").results.get("one", Phase.EVENTS) is None


def test_ended_unit_settles_while_another_runs(
    sighted: Services, key: VideoKey, vendor: Vendor
) -> None:
    behave(vendor, "now", "segments", "text")
    behave(vendor, "later", "moderation")
    outcomes = analyse(sighted, key, BOTH)
    assert outcomes[Phase.SHOTS].state is PhaseState.DONE
    parked = outcomes[Phase.EVENTS]
    (moderation,) = units(sighted, key)["moderation"]
    assert parked.state is PhaseState.PARKED
    assert (parked.unit, parked.job) == (moderation.id, moderation.job)
    assert sighted.of("acme").results.get("one", Phase.EVENTS) is None
    found = {operation: unit.state for operation, (unit,) in units(sighted, key).items()}
    assert found == {
        "segments": UnitState.SETTLED,
        "text": UnitState.SETTLED,
        "moderation": UnitState.RUNNING,
    }
    vendor.finish("acme/one moderation")
    assert [u.id for u in sweep(sighted, sighted.clock() + timedelta(minutes=1))] == [moderation.id]
    assert events(sighted, key).state is PhaseState.DONE
    assert vendor.submissions.total() == 3


def test_parked_phase_names_all_its_units(sighted: Services, key: VideoKey, vendor: Vendor) -> None:
    behave(vendor, "now", "segments")
    behave(vendor, "later", "text", "moderation")
    parked = events(sighted, key)
    found = units(sighted, key)
    assert parked.awaits == (found["text"][0].id, found["moderation"][0].id)
    assert all(unit.job and unit.job in parked.message for unit in found["text"])
    vendor.finish("acme/one text")
    assert events(sighted, key).awaits == (found["moderation"][0].id,)
    assert units(sighted, key)["text"][0].state is UnitState.SETTLED


def test_unit_settled_for_another_phase_is_reused(
    sighted: Services, key: VideoKey, vendor: Vendor
) -> None:
    behave(vendor, "now", "segments")
    behave(vendor, "fail", "text", "moderation")
    first = replace(sighted, plugins={"sights": sighted.plugins["sights"]})
    outcomes = analyse(first, key, BOTH)
    assert outcomes[Phase.SHOTS].state is PhaseState.DONE
    assert outcomes[Phase.EVENTS].state is PhaseState.FAILED
    behave(vendor, "now")
    done = events(first, key)
    assert done.state is PhaseState.DONE
    assert vendor.billed["acme/one segments"] == 1
    (segments,) = units(sighted, key)["segments"]
    assert done.result and done.result.provenance
    assert segments.id in done.result.provenance.units


def test_settled_unit_publishes_only_requested_phase(
    sighted: Services, key: VideoKey, vendor: Vendor
) -> None:
    behave(vendor, "now")
    analyse(sighted, key, [Phase.SHOTS, Phase.EVENTS])
    analyse(sighted, key, [Phase.SHOTS], providers={Phase.SHOTS: ("other",)})
    before = sighted.of("acme").results.get("one", Phase.SHOTS)
    again = events(renewed(sighted), key)
    assert again.state is PhaseState.DONE and not again.reused
    assert vendor.billed["acme/one segments"] == 2  # once at each provider
    assert sighted.of("acme").results.get("one", Phase.SHOTS) == before


def test_failed_unit_moves_phase_to_next_provider(
    sighted: Services, key: VideoKey, vendor: Vendor
) -> None:
    vendor.behave("acme/one text", "refuse", "now")
    behave(vendor, "now", "segments", "moderation")
    outcomes = analyse(sighted, key, BOTH)
    assert outcomes[Phase.SHOTS].provider == "sights"
    assert (outcomes[Phase.EVENTS].state, outcomes[Phase.EVENTS].provider) == (
        PhaseState.DONE,
        "other",
    )
    assert [(v.provider, v.kept) for v in outcomes[Phase.EVENTS].considered][-1] == (
        "sights",
        False,
    )
    assert vendor.billed == {
        "acme/one segments": 2,  # cues alone of the other
        "acme/one text": 1,
        "acme/one moderation": 1,
    }
    first = units(sighted, key)["segments"][0]
    assert first.request.provider == "sights" and first.state is UnitState.SETTLED


def test_orphaned_job_is_recorded_and_starts_no_run(
    sighted: Services, key: VideoKey, vendor: Vendor
) -> None:
    vendor.behave("acme/one text", "later", "now")
    vendor.behave("acme/one moderation", "refuse", "now")
    behave(vendor, "now", "segments")
    assert events(sighted, key).provider == "other"
    left = units(sighted, key)["text"][0]
    assert (left.state, left.unwanted) == (UnitState.RUNNING, True)
    assert events(sighted, key).reused
    vendor.finish("acme/one text")
    later = sighted.clock() + timedelta(minutes=5)
    assert sweep(sighted, later) == []
    left = units(sighted, key)["text"][0]
    assert left.state is UnitState.SETTLED and left.settled == left.planned


def test_force_repeats_each_request_once(sighted: Services, key: VideoKey, vendor: Vendor) -> None:
    behave(vendor, "now")
    analyse(sighted, key, BOTH)
    behave(vendor, "later", "moderation")
    for _ in range(2):  # the run is retried
        assert events(sighted, key, forced_by="run-1").state is PhaseState.PARKED
    vendor.finish("acme/one moderation")
    done = events(sighted, key)  # the run that completes it is not forced
    assert done.state is PhaseState.DONE and not done.reused
    assert dict(vendor.billed) == dict.fromkeys(vendor.billed, 2)
    assert done.result and done.result.provenance
    forced = {u.id for found in units(sighted, key).values() for u in found if u.forced_by}
    assert set(done.result.provenance.units) == forced


def test_only_request_with_missing_pages_is_repeated(
    sighted: Services, key: VideoKey, vendor: Vendor
) -> None:
    behave(vendor, "now")
    analyse(sighted, key, BOTH)
    (text,) = units(sighted, key)["text"]
    outputs = sighted.outputs.project("acme")
    assert RawPages(outputs, key, text.id).complete
    for stored in list(outputs.listing(f"{key.raw_prefix}{text.id}/")):
        outputs.delete(stored.key)
    assert events(renewed(sighted), key).state is PhaseState.DONE
    assert [u.generation for u in units(sighted, key)["text"]] == [0, 1]
    assert vendor.billed == {
        "acme/one segments": 1,
        "acme/one text": 2,
        "acme/one moderation": 1,
    }


@pytest.mark.parametrize("step", ["stored", "published", "settled"])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_killed_run_is_resumed_without_second_payment(
    sighted: Services, key: VideoKey, vendor: Vendor, step: str, times: int
) -> None:
    class Died(BaseException):
        pass

    seen: list[str] = []

    def die(name: str) -> None:
        seen.append(name)
        if seen.count(step) == times and name == step:
            raise Died

    behave(vendor, "now")
    with pytest.raises(Died):
        analyse(replace(sighted, on_step=die), key, BOTH)
    done = analyse(replace(sighted, holder="another"), key, BOTH)
    assert {o.state for o in done.values()} == {PhaseState.DONE}
    assert {u.state for (u,) in units(sighted, key).values()} == {UnitState.SETTLED}
    assert dict(vendor.billed) == {f"acme/one {operation}": 1 for operation in OPERATIONS}
    assert kinds(sighted, key, Phase.EVENTS).total() == 6


def test_another_model_makes_new_requests(sighted: Services, key: VideoKey, vendor: Vendor) -> None:
    class Better(VendorSights):
        def _unit(self, request, operation, kinds):  # type: ignore[no-untyped-def]
            return super()._unit(request, operation, kinds).model_copy(update={"model": "better"})

        @property
        def model(self) -> str:
            return "better"

    behave(vendor, "now")
    events(sighted, key)
    better = Better(sighted.plugins["sights"].options)
    done = events(replace(sighted, plugins={"sights": better}), key)
    assert done.state is PhaseState.DONE
    assert dict(vendor.billed) == dict.fromkeys(vendor.billed, 2)


class TestUnreachableSource:
    """The vendor of `sights` reads only from buckets, and the source is in a folder."""

    @pytest.fixture
    def remote(self, sighted: Services, vendor: Vendor) -> Services:
        options = SightOptions(url=vendor.url, schemes=frozenset({"s3"}))
        return replace(sighted, plugins={**sighted.plugins, "sights": VendorSights(options)})

    def test_provider_is_skipped_before_any_request(
        self, remote: Services, key: VideoKey, vendor: Vendor
    ) -> None:
        behave(vendor, "now")
        done = events(remote, key)
        assert (done.state, done.provider) == (PhaseState.DONE, "other")
        passed_over = done.considered[0]
        assert not passed_over.kept and "reads from s3:// only" in passed_over.reason
        assert {u.request.provider for found in units(remote, key).values() for u in found} == {
            "other"
        }

    def test_preview_names_skipped_provider_and_counts_the_next(
        self, remote: Services, key: VideoKey
    ) -> None:
        found, _ = plan(remote, Wish("acme", frozenset(BOTH)))
        events_of = found.phases[Phase.EVENTS]
        assert events_of.asked == {"other": 1}
        (why,) = events_of.refused
        assert why.startswith("sights: reads from s3:// only") and events_of.refused[why] == 1
        assert found.paid == {"other": {"video_seconds": 4 * 2}}

    def test_phase_fails_if_no_provider_can_reach_it(
        self, remote: Services, key: VideoKey, vendor: Vendor
    ) -> None:
        alone = replace(remote, plugins={"sights": remote.plugins["sights"]})
        failed = events(alone, key)
        assert failed.state is PhaseState.FAILED
        assert "the source lies at file://" in failed.message
        assert not vendor.submissions
