"""Selects the results that Dagster does not show, as after its home was made anew.

Nothing of them runs: their materializations are logged again from the catalogue.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from video_pipeline.catalog.standings import Standings
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.backfill.selection import Picked, Wish


@dataclass(frozen=True, slots=True)
class Shown:
    """What Dagster shows: the partitions of videos, and by phase those that are materialized."""

    partitions: Collection[str] = ()
    materialized: Mapping[Phase, Collection[str]] = field(
        default_factory=dict[Phase, Collection[str]]
    )


def select_unmaterialized(
    standings: Standings, wish: Wish, shown: Shown
) -> tuple[list[Picked], Fraction]:
    """Return the videos with good phases that Dagster does not show, and their seconds."""
    found, seconds = list[Picked](), Fraction(0)
    for standing in standings.videos():
        key = VideoKey(project=wish.project, video=standing.video)
        phases = frozenset(
            phase
            for phase, state in standing.states.items()
            if phase in wish.phases
            and state.good
            and str(key) not in shown.materialized.get(phase, ())
        )
        if phases and str(key) in shown.partitions:
            found.append(Picked(key, phases, asked=frozenset()))
            seconds += standing.media.duration if standing.media else 0
    return found, seconds
