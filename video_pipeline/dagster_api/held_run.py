"""A held run as its tags tell it, whoever asked Dagster for them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from video_pipeline.dagster_api.tags import BACKFILL_TAG, PARTITION_TAG, UNITS_TAG
from video_pipeline.domain.errors import IdentityError
from video_pipeline.domain.naming.identity import VideoKey


@dataclass(frozen=True)
class Held:
    """A run that is held now, or was cancelled while it was."""

    run_id: str
    partition: str
    units: frozenset[str]
    """The work units that it waits for; none for a run whose tags don't tell."""
    backfill: str | None = None

    @property
    def key(self) -> VideoKey | None:
        """The video; None for a run that somebody tagged by hand."""
        try:
            return VideoKey.parse(self.partition)
        except IdentityError:
            return None


def held_of(run_id: str, tags: Mapping[str, str]) -> Held:
    """What a run's tags say."""
    return Held(
        run_id=run_id,
        partition=tags.get(PARTITION_TAG, ""),
        units=frozenset(filter(None, tags.get(UNITS_TAG, "").split(","))),
        backfill=tags.get(BACKFILL_TAG),
    )


def awaited_by_none(run: Held, others: Iterable[Held]) -> frozenset[str]:
    """The units of a cancelled run that none of the others waits for. One of the same video whose
    tags don't tell may wait for any."""
    left = run.units
    for other in others:
        if other.partition == run.partition:
            left = left - other.units if other.units else frozenset[str]()
    return left
