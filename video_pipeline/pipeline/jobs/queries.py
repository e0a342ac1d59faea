"""Find work units: one by id, many in pages, and sums by provider and state."""

from collections.abc import Iterator
from itertools import dropwhile

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.errors import InputError
from video_pipeline.domain.usage import Usage, summed
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import Stage, UnitFilter, UnitState, UnitSum, WorkUnit
from video_pipeline.pipeline.services import projects_of

# The states that a unit leaves later, by itself or by a person's command.
UNDER_WAY = frozenset(state for state in UnitState if state.stage is not Stage.OVER)


class Page(Frozen):
    """Some units, and the id after which the next page begins; None on the last page."""

    units: tuple[WorkUnit, ...]
    after: str | None


def find_unit(catalog: Catalog, unit: str, project: str | None = None) -> WorkUnit:
    """Return a unit by id, of one project or of any. Raises InputError if it does not exist."""
    for name in projects_of(catalog, project):
        found = catalog.project(name).units.get(unit)
        if found is not None:
            return found
    raise InputError(
        f"there is no such work unit{f' of {project}' if project else ''}",
        where=unit,
        remedy="List units under way with `video-pipeline jobs`, or add `--state failed`.",
    )


def list_units(
    catalog: Catalog,
    wanted: UnitFilter,
    project: str | None = None,
    *,
    after: str | None = None,
    limit: int = 100,
) -> Page:
    """Return a page of units after `after`, by project and age. Raises InputError."""
    last = find_unit(catalog, after, project) if after else None
    names = projects_of(catalog, project)
    if last is not None:
        of_last = last.request.key.project
        names = list(dropwhile(lambda name: name != of_last, names))
    found: list[WorkUnit] = []
    for name in names:
        behind = last if last is not None and last.request.key.project == name else None
        found += catalog.project(name).units.listing(wanted, behind, limit + 1 - len(found))
        if len(found) > limit:
            return Page(units=tuple(found[:limit]), after=found[limit - 1].id)
    return Page(units=tuple(found), after=None)


def every_unit(catalog: Catalog, wanted: UnitFilter, project: str) -> Iterator[WorkUnit]:
    """Yield all wanted units of a project, page by page. Raises InputError."""
    after: str | None = None
    while True:
        page = list_units(catalog, wanted, project, after=after, limit=1000)
        yield from page.units
        after = page.after
        if after is None:
            return


def sum_units(
    catalog: Catalog, wanted: UnitFilter, project: str | None = None
) -> tuple[UnitSum, ...]:
    """Return the number of units and their planned usage, in order of provider and state."""
    sums: dict[tuple[str, UnitState], UnitSum] = {}
    for name in projects_of(catalog, project):
        for one in catalog.project(name).units.sums(wanted):
            kind = (one.provider, one.state)
            before = sums.get(kind)
            sums[kind] = one if before is None else _both(before, one)
    order = list(UnitState)
    return tuple(sums[k] for k in sorted(sums, key=lambda kind: (kind[0], order.index(kind[1]))))


def _both(one: UnitSum, other: UnitSum) -> UnitSum:
    return UnitSum(
        provider=one.provider,
        state=one.state,
        units=one.units + other.units,
        planned=summed([*one.planned, *other.planned]),
    )


def quantity_of(usages: tuple[Usage, ...]) -> str:
    """Return usages for people: `26 s of video, paid; 3 requests, not billed`."""
    return "; ".join(
        f"{one.amount}, {'paid' if one.paid else 'not billed'}" for one in summed(usages)
    )
