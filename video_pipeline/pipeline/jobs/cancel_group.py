"""Which work units of a video are cancelled at once: a phase that one of several would have served
comes to nothing without it, so that the others are not to be paid for, unless another phase waits
for them.
"""

from collections.abc import Collection, Iterable, Sequence

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseStatus
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.services import Services

_Served = tuple[str, str, Phase]
"""A phase of one content, as one provider is asked for it."""


class Together:
    """Some units of one video, and all that come to nothing without them."""

    def __init__(self, services: Services, key: VideoKey, units: Collection[str]) -> None:
        """Raises CatalogError."""
        found = services.of(key.project).units.of_video(key.video)
        self._named, self._known = frozenset(units), {unit.id: unit for unit in found}
        off = [unit for unit in found if unit.id in units and _is_off(unit)]
        self._lost = {s for u in off if not _is_replaced(u, found) for s in _served(u)}
        self.units = [unit for unit in found if not unit.state.ended and self._goes(unit)]
        """Those under way, oldest first."""

    def _goes(self, unit: WorkUnit) -> bool:
        in_vain = unit.state is not UnitState.IN_DOUBT and _served(unit) <= self._lost
        return unit.id in self._named or in_vain

    def is_awaited_by(self, status: PhaseStatus) -> bool:
        """Whether a phase is parked, and waits for one of the units."""
        unit = self._known.get(status.unit or "")
        if unit is None or status.state is not PhaseState.PARKED:
            return False
        mine = {served for served in _served(unit) if served[-1] is status.phase}
        return unit.id in self._named or bool(mine & self._lost)


def together(services: Services, units: Iterable[WorkUnit]) -> list[WorkUnit]:
    """These units as far as they are under way, and all that come to nothing without them."""
    by_video: dict[VideoKey, list[str]] = {}
    for unit in units:
        by_video.setdefault(unit.request.key, []).append(unit.id)
    return [one for key, ids in by_video.items() for one in Together(services, key, ids).units]


def _is_off(unit: WorkUnit) -> bool:
    """Whether nothing more comes of a unit that is named: what is settled, was; and one may have
    been cancelled before, by a process that died before it could see to the rest."""
    return not unit.state.ended or unit.state is UnitState.CANCELLED


def _served(unit: WorkUnit) -> set[_Served]:
    request = unit.request
    return {(request.provider, request.content, phase) for phase in request.phases}


def _is_replaced(unit: WorkUnit, found: Sequence[WorkUnit]) -> bool:
    """Whether the same was asked for later, such as by other options: no phase waits for it."""
    later = found[found.index(unit) + 1 :]
    return any(_served(unit) & _served(one) and _asks_the_same(unit, one) for one in later)


def _asks_the_same(unit: WorkUnit, other: WorkUnit) -> bool:
    one, two = unit.request.kinds, other.request.kinds
    return one == two or bool(set(one) & set(two))
