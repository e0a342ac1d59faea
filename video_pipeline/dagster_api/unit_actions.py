"""What is done about work units where Dagster has a part in it: cancelled together with the runs
that wait for them, or asked for again by runs.
"""

from collections.abc import Collection, Iterable

from video_pipeline.dagster_api.backfills import Launched, launch
from video_pipeline.dagster_api.client import Ask
from video_pipeline.dagster_api.held_runs import end_waiting
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.backfill.retry_unit import Again
from video_pipeline.pipeline.backfill.selection import Picked
from video_pipeline.pipeline.jobs.cancel import Cancelled, cancel, with_dependents
from video_pipeline.pipeline.services import Services


def cancel_work(
    services: Services, ask: Ask, units: Collection[WorkUnit], because: str
) -> list[Cancelled]:
    """End the runs held for these units and for those that come to nothing without them, then the
    units: stopped where the provider can, else marked. Repeatable. Raises ConfigurationError where
    Dagster does not answer; then nothing is cancelled."""
    lost = with_dependents(services, units)
    if not lost:
        return []
    end_waiting(ask, lost)
    by_video: dict[VideoKey, list[str]] = {}
    for unit in lost:
        by_video.setdefault(unit.request.key, []).append(unit.id)
    return [one for key, ids in by_video.items() for one in cancel(services, key, ids, because)]


def launch_again(ask: Ask, wanted: Iterable[Again]) -> Launched:
    """Launch what asks again, in backfills: one for all that is alike."""
    alike: dict[tuple[object, ...], list[Again]] = {}
    for one in wanted:
        alike.setdefault((one.wish, *sorted(one.providers.items())), []).append(one)
    launched = [
        launch(ask, group[0].wish, _once(group), group[0].providers) for group in alike.values()
    ]
    return Launched(
        backfills=tuple(name for one in launched for name in one.backfills),
        left_out=tuple(name for one in launched for name in one.left_out),
    )


def _once(wanted: Iterable[Again]) -> list[Picked]:
    return list(dict.fromkeys(one.picked for one in wanted))
