"""The sweep: slice after slice, what lies in the ingest store is compared with the catalogue.

A slice is bounded whatever the store holds, and compared by one range query a project. It finds
what no notice told of, or all of it where nothing tells. What it does not find any more is noted;
gone it is only if, some minutes later, a whole sweep does not find it either, and one more look
does not.
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
    Contents,
    Looks,
)
from video_pipeline.pipeline.policies import ArrivalPolicy
from video_pipeline.storage.store import StoredObject

Troubles = dict[str, str]
"""A project's folder or id, or what else there is trouble with, to what is wrong and what mends
it. Nothing: the ingest store."""


_MOST_NEW = 200
"""Objects that a slice lets wait for a second look; it ends with them, and goes on after it."""
_FEW = 5
"""Videos of a project that may be missing whatever share of them that is."""
_END = "\U0010ffff"
"""Behind every key."""


class Position(Frozen):
    """How far a sweep has come."""

    after: str = ""
    """The key behind which it goes on."""
    began: datetime | None = None
    """When this sweep began; None between two."""
    ended: datetime | None = None
    """When the last whole one ended."""
    keys: int = 0
    """How many objects it has compared so far, or the last whole one had."""


class _Folder(NamedTuple):
    """What lies in and below one folder of a video, or one object that lies in none. By a rule,
    some of what lies below may be of another video, or of none."""

    group: Group
    objects: list[StoredObject]


class _Slice(NamedTuple):
    """Some of what lies in the store, whole folders of it, in key order."""

    folders: Sequence[_Folder]
    first: str
    last: str
    whole: bool
    """Whether nothing lies behind it."""
    crowded: Group | None = None
    """The folder that was cut short, since too much lies there."""

    @property
    def objects(self) -> Iterator[StoredObject]:
        return chain.from_iterable(folder.objects for folder in self.folders)


def sweep_on(
    looks: Looks, position: Position, keys: int, late: Callable[[], bool], troubles: Troubles
) -> Position:
    """Compare the next slice, of about so many keys, and say how far that has led.

    Where it is late it ends at a folder's end, having compared one at least. What troubles one
    project is told and left to the next sweep. Raises StorageError where the store cannot be
    listed, CatalogUnavailable.
    """
    if position.began is None:
        position = Position(began=looks.now, ended=position.ended)
    piece = _slice(looks, position.after, keys, late)
    if not position.after and _is_empty(looks, piece) and _knows_any(looks):
        troubles[""] = (
            "nothing lies in the ingest store, although videos are known: is it the right place? "
            "None is taken for removed. If all are to go, leave any other file there."
        )
        return Position(ended=looks.now)
    reached = _compare(looks, piece, late, troubles)
    _look_again(looks, position.began or looks.now, late, troubles)
    compared = [one for one in piece.folders if one.group.last <= reached]
    listed = position.keys + sum(len(one.objects) for one in compared)
    if piece.whole and reached == piece.last:
        return Position(ended=looks.now, keys=listed)
    return Position(after=reached, began=position.began, ended=position.ended, keys=listed)


def _is_empty(looks: Looks, piece: _Slice) -> bool:
    """Whether nothing lies in the store but what marks folders, is hidden or lies beside videos."""
    return piece.whole and not any(True for _ in looks.visible(piece.objects))


def _knows_any(looks: Looks) -> bool:
    return any(looks.services.of(p).arrivals.folder() for p in looks.services.catalog.projects())


def _slice(looks: Looks, after: str, keys: int, late: Callable[[], bool]) -> _Slice:
    """The next objects, on to the end of the last one's folder; a crowd in one folder is cut."""
    first = after + "\0" if after else ""
    folders: list[_Folder] = []
    for count, one in enumerate(looks.services.ingest.listing(after)):
        if not folders or not folders[-1].group.holds(one.key):
            if folders and (count >= keys or late()):
                return _Slice(folders, first, folders[-1].group.last, whole=False)
            folders.append(_Folder(looks.layout.group_of(one.key), []))
        group, objects = folders[-1]
        if len(objects) == MOST_IN_A_FOLDER:
            return _Slice(folders, first, group.last, whole=False, crowded=group)
        objects.append(one)
    return _Slice(folders, first, _END, whole=True)


def _compare(looks: Looks, piece: _Slice, late: Callable[[], bool], troubles: Troubles) -> str:
    """Look at each folder of a slice; the key up to which that was done."""
    recorded, pending = _Recorded(looks, piece), len(looks.pending)
    reached = piece.first.removesuffix("\0")
    for number, folder in enumerate(piece.folders):
        # One at least: where listing alone takes all of the time, the sweep yet comes on.
        if number and (late() or len(looks.pending) - pending >= _MOST_NEW):
            break
        reached = folder.group.last
        for group, objects in _by_group(looks, folder).items():
            place = looks.layout.place_of(objects[0].key)
            if place is None:
                looks.strays.append(objects[0].key)
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
    """What counts of a folder, parted as one look into each group would see it."""
    parted: dict[Group, list[StoredObject]] = {}
    for one in looks.visible(folder.objects):
        parted.setdefault(looks.layout.group_of(one.key), []).append(one)
    return parted


class _Recorded:
    """What the catalogue has of the keys of a slice, by project and group."""

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
        """What was listed of one group with what is recorded of it."""
        known, rejected = self._of(project_id_for(place.project))
        return Contents(place, listed, known.pop(group, []), rejected.pop(group, {}), crowded)

    def unlisted(self, last: str) -> Iterator[Contents]:
        """What is recorded of groups up to the last key, and was not listed."""
        for project in list(self._known):
            known, rejected = self._of(project)
            for group in [group for group in {*known, *rejected} if group.last <= last]:
                gone, mended = known.pop(group, []), rejected.pop(group, {})
                place = self._layout.place_of(gone[0].object_key if gone else next(iter(mended)))
                if place is not None:
                    yield Contents(place, [], gone, mended)

    def _of(
        self, project: ProjectId
    ) -> tuple[dict[Group, list[Known]], dict[Group, dict[str, str]]]:
        return self._known.setdefault(project, {}), self._rejected.setdefault(project, {})


def _look_again(
    looks: Looks, began: datetime, late: Callable[[], bool], troubles: Troubles
) -> None:
    """One more look for what an earlier sweep had noted as missing already; one at least, also
    where it is late."""
    policy = looks.services.arrivals
    looked = False
    before = min(began, looks.now - timedelta(seconds=policy.missing_seconds))
    for project, missed in list(looks.missed.items()):
        gone = [one for one in missed if one.missing_since and one.missing_since < before]
        half = looks.services.of(project)
        if gone and (why := _too_many(half, policy)):
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


def _too_many(half: ProjectCatalog, policy: ArrivalPolicy) -> str:
    """Why none of a project's missing videos is taken for removed; empty where they may be."""
    most = policy.removals_at_once
    missing = half.arrivals.missing(most + 1)
    if missing > most:
        told, option = f"more than {most}", "removals_at_once"
    elif missing > _FEW and missing > policy.removals_share * half.arrivals.present():
        told, option = f"more than {policy.removals_share:.0%} of the", "removals_share"
    else:
        return ""
    return (
        f"{told} videos of {half.project} are missing at once: is it the right place? "
        f"None is taken for removed. If they are to go, raise arrivals.{option}."
    )


def _guarded(looks: Looks, place: Place, troubles: Troubles, look: Callable[[], None]) -> None:
    """One project's trouble never stops the others."""
    try:
        look()
    except CatalogUnavailable:
        raise
    except PipelineError as error:
        troubles[place.project] = str(error)
