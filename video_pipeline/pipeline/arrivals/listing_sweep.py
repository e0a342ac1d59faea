"""The listing sweep: compares the ingest store with the catalogue, slice by slice.

A slice has a bounded size and takes one range query per project. The sweep finds arrivals that no
notification reported. An object counts as deleted after two full sweeps, some minutes apart, and a
final direct check have missed it.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.domain.errors import CatalogUnavailable, PipelineError
from video_pipeline.domain.naming.identity import ProjectId, project_id_for
from video_pipeline.domain.naming.layout import Group, Place
from video_pipeline.domain.source import Known
from video_pipeline.domain.values import Frozen
from video_pipeline.pipeline.arrivals.look import (
    MOST_IN_A_FOLDER,
    MOST_PENDING,
    Contents,
    Looks,
)
from video_pipeline.pipeline.policies import ArrivalPolicy
from video_pipeline.storage.store import StoredObject

# The source of a problem (a project's folder or id, "the queue", "" for the ingest store) to the
# problem and its remedy.
Troubles = dict[str, str]

# A slice ends when no more objects can wait for a second look, if it has added so many. Fewer mean
# that the others are files that grow for long, which do not hold up the sweep.
_MOST_NEW = 200
# So many videos of a project may be missing, whatever share of it they are.
_FEW = 5
# Sorts after every key.
_END = "\U0010ffff"


class Position(Frozen):
    """The progress of a sweep."""

    after: str = ""
    """The last compared key."""
    began: datetime | None = None
    """When this sweep began; None between two sweeps."""
    ended: datetime | None = None
    """When the last full sweep ended."""
    keys: int = 0
    """Objects compared by this sweep or, between two, by the last one."""


class _Folder(NamedTuple):
    """The objects in and below one video's folder, or a single object outside such folders.

    In a layout given by a pattern, objects below may belong to another video or to none.
    """

    group: Group
    objects: list[StoredObject]


class _Slice(NamedTuple):
    """Consecutive folders of the store, in key order."""

    folders: Sequence[_Folder]
    first: str
    last: str
    is_last: bool
    """Whether the store has no keys after it."""
    crowded: Group | None = None
    """A folder with too many objects, of which only the first are listed."""

    @property
    def objects(self) -> Iterator[StoredObject]:
        return chain.from_iterable(folder.objects for folder in self.folders)


def sweep_on(
    looks: Looks, position: Position, keys: int, late: Callable[[], bool], troubles: Troubles
) -> Position:
    """Compare the next slice of about `keys` keys, and return the new position.

    When `late` it stops at the end of a folder, after at least one. Problems of a project are put
    into `troubles`; the next sweep tries again. Raises StorageError if the store cannot be listed,
    CatalogUnavailable.
    """
    if position.began is None:
        position = Position(began=looks.now, ended=position.ended)
    piece = _slice(looks, position.after, keys, late)
    if not position.after and _is_empty(looks, piece) and _knows_any(looks):
        troubles[""] = (
            "the ingest store is empty although videos are known: is it the right one? "
            "No video is removed. To remove all of them, put any other file there."
        )
        return Position(ended=looks.now)
    reached = _compare(looks, piece, late, troubles)
    _look_again(looks, position.began or looks.now, late, troubles)
    compared = [one for one in piece.folders if one.group.last <= reached]
    listed = position.keys + sum(len(one.objects) for one in compared)
    if piece.is_last and reached == piece.last:
        return Position(ended=looks.now, keys=listed)
    return Position(after=reached, began=position.began, ended=position.ended, keys=listed)


def _is_empty(looks: Looks, piece: _Slice) -> bool:
    """Return whether the store has no object that could be a video."""
    return piece.is_last and not any(True for _ in looks.visible(piece.objects))


def _knows_any(looks: Looks) -> bool:
    return any(one.arrivals.folder() for one in looks.services.catalog.each())


def _slice(looks: Looks, after: str, keys: int, late: Callable[[], bool]) -> _Slice:
    """List the next folders with about `keys` objects. A crowded folder is cut short."""
    first = after + "\0" if after else ""
    folders: list[_Folder] = []
    for count, one in enumerate(looks.services.ingest.listing(after)):
        if not folders or not folders[-1].group.holds(one.key):
            if folders and (count >= keys or late()):
                return _Slice(folders, first, folders[-1].group.last, is_last=False)
            folders.append(_Folder(looks.layout.group_of(one.key), []))
        group, objects = folders[-1]
        if len(objects) == MOST_IN_A_FOLDER:
            return _Slice(folders, first, group.last, is_last=False, crowded=group)
        objects.append(one)
    return _Slice(folders, first, _END, is_last=True)


def _compare(looks: Looks, piece: _Slice, late: Callable[[], bool], troubles: Troubles) -> str:
    """Compare the folders of a slice, and return the last compared key."""
    recorded, pending = _Recorded(looks, piece), len(looks.pending)
    reached = piece.first.removesuffix("\0")
    for number, folder in enumerate(piece.folders):
        # At least one, so that the sweep advances even if listing takes all of the time.
        is_full = len(looks.pending) >= MOST_PENDING
        if number and (late() or (is_full and len(looks.pending) - pending >= _MOST_NEW)):
            break
        reached = folder.group.last
        for group, objects in _by_group(looks, folder).items():
            place = looks.layout.place_of(objects[0].key)
            if place is None:
                looks.stray(objects[0])
                continue
            crowded = folder.group == piece.crowded
            contents = recorded.contents(place, group, objects, crowded)
            _guarded(looks, place, troubles, lambda it=contents: looks.at(it, {}))
    else:
        reached = piece.last
    for contents in recorded.unlisted(reached):
        _guarded(looks, contents.place, troubles, lambda it=contents: looks.at(it, {}))
    return reached


def _by_group(looks: Looks, folder: _Folder) -> dict[Group, list[StoredObject]]:
    """Return the visible objects of a folder by group, as a look into each would see them."""
    groups: dict[Group, list[StoredObject]] = {}
    for one in looks.visible(folder.objects):
        groups.setdefault(looks.layout.group_of(one.key), []).append(one)
    return groups


class _Recorded:
    """The catalogue's records of the keys of a slice, by project and group."""

    def __init__(self, looks: Looks, piece: _Slice) -> None:
        self._layout = looks.layout
        places = (self._layout.place_of(one.key) for one in piece.objects)
        listed = {project_id_for(place.project) for place in places if place}
        self._known: dict[ProjectId, dict[Group, list[Known]]] = {}
        self._rejected: dict[ProjectId, dict[Group, dict[str, str]]] = {}
        for project in sorted({*looks.services.catalog.projects(), *listed}):
            arrivals = looks.services.of(project).arrivals
            known, rejected = self._of(project)
            for one in arrivals.known(piece.first, piece.last):
                known.setdefault(self._layout.group_of(one.object_key), []).append(one)
            for key, reason in arrivals.rejected(piece.first, piece.last).items():
                rejected.setdefault(self._layout.group_of(key), {})[key] = reason

    def contents(
        self, place: Place, group: Group, listed: Sequence[StoredObject], crowded: bool
    ) -> Contents:
        """Return the listed objects of a group with their records."""
        known, rejected = self._of(project_id_for(place.project))
        return Contents(place, listed, known.pop(group, []), rejected.pop(group, {}), crowded)

    def unlisted(self, last: str) -> Iterator[Contents]:
        """Return the records up to this key of groups that were not listed."""
        for project in list(self._known):
            known, rejected = self._of(project)
            for group in [group for group in {*known, *rejected} if group.last <= last]:
                gone, cleared = known.pop(group, []), rejected.pop(group, {})
                place = self._layout.place_of(gone[0].object_key if gone else next(iter(cleared)))
                if place is not None:
                    yield Contents(place, [], gone, cleared)

    def _of(
        self, project: ProjectId
    ) -> tuple[dict[Group, list[Known]], dict[Group, dict[str, str]]]:
        return self._known.setdefault(project, {}), self._rejected.setdefault(project, {})


def _look_again(
    looks: Looks, began: datetime, late: Callable[[], bool], troubles: Troubles
) -> None:
    """Check directly for objects that an earlier sweep missed too: at least one, even if late."""
    policy = looks.services.arrivals
    looked = False
    before = min(began, looks.now - timedelta(seconds=policy.missing_seconds))
    for project, missed in list(looks.missed.items()):
        gone = [one for one in missed if one.missing_since and one.missing_since < before]
        catalog = looks.services.of(project)
        if gone and (why := _too_many(catalog, policy)):
            troubles[project] = why
            continue
        for one in gone:
            place = looks.layout.place_of(one.object_key)
            if looked and late():
                return
            if place is None:
                continue
            looked = True
            _guarded(looks, place, troubles, lambda it=one: looks.into(it.object_key))


def _too_many(catalog: ProjectCatalog, policy: ArrivalPolicy) -> str:
    """Return why no missing video of a project is removed, or "" if they may be removed."""
    most = policy.removals_at_once
    missing = catalog.arrivals.missing(most + 1)
    if missing > most:
        share, option = f"more than {most}", "removals_at_once"
    elif missing > _FEW and missing > policy.removals_share * catalog.arrivals.present():
        share, option = f"more than {policy.removals_share:.0%} of the", "removals_share"
    else:
        return ""
    return (
        f"{share} videos of {catalog.project} are missing at once: is it the right store? "
        f"No video is removed. To remove them, raise arrivals.{option}."
    )


def _guarded(looks: Looks, place: Place, troubles: Troubles, look: Callable[[], None]) -> None:
    """Look, and record an error of this project so that the others continue."""
    try:
        look()
    except CatalogUnavailable:
        raise
    except PipelineError as error:
        troubles[place.project] = str(error)
