"""Actions on work units that need Dagster: cancelling together with runs, retrying by runs."""

from collections.abc import Collection, Iterable

from video_pipeline.dagster_api.backfills import Launched, launch
from video_pipeline.dagster_api.client import Ask
from video_pipeline.dagster_api.held_runs import end_waiting
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.backfill.repeat_unit import Again
from video_pipeline.pipeline.backfill.selection import Picked
from video_pipeline.pipeline.jobs.cancel import Cancelled, cancel, with_dependents
from video_pipeline.pipeline.services import Services


def cancel_work(
    services: Services, ask: Ask, units: Collection[WorkUnit], because: str
) -> list[Cancelled]:
    """Terminate the runs held for these units and those to be cancelled with them, then cancel all.

    A unit is stopped if its provider can, and else marked. Safe to repeat. Raises
    ConfigurationError if Dagster does not respond; then nothing is cancelled.
    """
    lost = with_dependents(services.catalog, units)
    if not lost:
        return []
    end_waiting(ask, lost)
    by_video: dict[VideoKey, list[str]] = {}
    for unit in lost:
        by_video.setdefault(unit.request.key, []).append(unit.id)
    return [one for key, ids in by_video.items() for one in cancel(services, key, ids, because)]


def launch_again(ask: Ask, wanted: Iterable[Again]) -> Launched:
    """Launch phases again: one backfill for all with the same selection and providers."""
    alike: dict[tuple[object, ...], list[Again]] = {}
    for one in wanted:
        alike.setdefault((one.wish, *sorted(one.providers.items())), []).append(one)
    launched = [
        launch(ask, group[0].wish, _unique(group), group[0].providers) for group in alike.values()
    ]
    return Launched(
        backfills=tuple(name for one in launched for name in one.backfills),
        left_out=tuple(name for one in launched for name in one.left_out),
    )


def _unique(wanted: Iterable[Again]) -> list[Picked]:
    return list(dict.fromkeys(one.picked for one in wanted))
