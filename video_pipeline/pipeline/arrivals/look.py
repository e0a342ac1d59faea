"""Arrivals: a look into one video's folder, after which the catalogue says what lies there.

Whatever leads to a look, a sweep of the listing or a notice of the store, it compares the present
of the store with the catalogue and depends on nothing else. So a look that is made twice, late or
in another order comes to the same, and stores are consistent enough: S3 and a file system both
show at once what was written or deleted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from video_pipeline.catalog.catalog import Catalog, ProjectCatalog
from video_pipeline.domain.errors import IdentityError, SourceError
from video_pipeline.domain.naming.identity import ProjectId, VideoKey, project_id_for, video_id_for
from video_pipeline.domain.naming.layout import Group, Layout, Place, is_key
from video_pipeline.domain.source import Due, Known, Source
from video_pipeline.pipeline.arrivals.rejections import settle
from video_pipeline.pipeline.arrivals.removal import Allowance, carry_out
from video_pipeline.pipeline.services import Services
from video_pipeline.storage.store import IngestStore, StoredObject

MOST_IN_A_FOLDER = 10_000
"""Objects that may lie in and below one video's folder."""
MOST_PENDING = 1_000
"""Objects that wait for another look, at one time: more are found by a later sweep."""

_CROWD = f"more than {MOST_IN_A_FOLDER} objects lie in one video's folder: leave one"
_NO_KEY = "a name in its key is empty, '.' or '..', which not every store takes: rename it"

Versions = Mapping[str, str]
"""Object key to version."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What lies in one video's folder, or one object that lies in none, and what the catalogue
    has of these keys."""

    place: Place
    objects: Sequence[StoredObject]
    known: Sequence[Known]
    rejected: Mapping[str, str]
    crowded: bool = False
    """Whether more lies there than may, and more than `objects` has."""

    def gone(self) -> list[Known]:
        """The recorded videos whose objects do not lie there any more."""
        there = {one.key for one in self.objects}
        return [k for k in self.known if k.object_key not in there and k.removed_at is None]


@dataclass(slots=True)
class Looks:
    """The looks of one round, and what they found."""

    services: Services
    now: datetime
    allowance: Allowance = field(default_factory=Allowance)
    """What this round may still delete of removed videos."""
    arrived: list[VideoKey] = field(default_factory=list[VideoKey])
    """New videos and new versions, now registered: each is due for a run."""
    removed: list[VideoKey] = field(default_factory=list[VideoKey])
    """Videos whose objects are gone: each is due for removal."""
    rejected: dict[str, str] = field(default_factory=dict[str, str])
    """Object keys that no video can be made of now, with the reasons, as far as looked at."""
    pending: dict[str, str] = field(default_factory=dict[str, str])
    """Object key to version: is looked at again by the next round, and has to look the same."""
    missed: dict[ProjectId, list[Known]] = field(default_factory=dict[ProjectId, list[Known]])
    """Not found by a sweep although the catalogue knows them, as an earlier one had noted."""
    strays: list[str] = field(default_factory=list[str])
    """Keys in no project's folder, which no project's catalogue can record."""
    _owners: dict[ProjectId, str] = field(default_factory=dict[ProjectId, str])
    _halves: dict[str, ProjectCatalog] = field(default_factory=dict[str, ProjectCatalog])

    @property
    def layout(self) -> Layout:
        """Which part of a key says what."""
        return self.services.ingest.layout

    def into(self, key: str, seen: Versions | None = None, *, removes: bool = True) -> None:
        """Look into the folder that an object key belongs to, or at the object that lies in none.

        What has to look the same twice is registered where `seen` has its version; what is gone
        is marked as removed where that is wanted, else noted as missing. Raises StorageError,
        CatalogError.
        """
        place, group = self.layout.place_of(key), self.layout.group_of(key)
        if place is None:
            self.strays.append(key)
            return
        if is_key(group.at.removesuffix("/")):
            self.at(self._contents(place, group), seen or {}, removes=removes)
        else:
            half = self._half(place)
            self.rejected[key] = _NO_KEY
            settle(half.videos, half.project, {}, {key: _NO_KEY}, self.now)

    def visible(self, objects: Iterable[StoredObject]) -> Iterable[StoredObject]:
        """Without what marks a folder, and without what may lie beside a video."""
        beside = self.layout.is_beside
        return (one for one in objects if not (_marks_a_folder(one) or beside(one.key)))

    def at(self, contents: Contents, seen: Versions, *, removes: bool = False) -> None:
        """Bring the catalogue up to these contents, as `into` does."""
        half = self._half(contents.place)
        reasons = self._complaints(contents, half.project)
        candidates = [one for one in contents.objects if one.key not in reasons]
        if contents.crowded:
            reasons = {contents.objects[0].key: _CROWD} if contents.objects else {}
        elif len(candidates) > 1:
            reasons |= _ambiguous(candidates)
        elif candidates and contents.place.video is not None:
            reasons |= self._take(candidates[0], contents, half, seen)
        settle(half.videos, half.project, contents.rejected, reasons, self.now)
        self.rejected |= reasons
        if not candidates and not contents.crowded:
            self._miss(contents.gone(), half, removes)

    def _contents(self, place: Place, group: Group) -> Contents:
        """Of this group alone: by a rule, others may lie below its folder."""

        def is_its(key: str) -> bool:
            return self.layout.group_of(key) == group

        arrivals = self._half(place).arrivals
        # What arrives between the two readings must not look as if it had gone: listed last.
        known, rejected = (
            arrivals.known(group.at, group.last),
            arrivals.rejected(group.at, group.last),
        )
        listed = self._listed(place, group)
        return Contents(
            place,
            [one for one in self.visible(listed) if is_its(one.key)],
            [one for one in known if is_its(one.object_key)],
            {key: reason for key, reason in rejected.items() if is_its(key)},
            crowded=len(listed) > MOST_IN_A_FOLDER,
        )

    def _listed(self, place: Place, group: Group) -> list[StoredObject]:
        ingest = self.services.ingest.project(project_id_for(place.project))
        if group.is_folder:
            return list(islice(ingest.listing(group.at), MOST_IN_A_FOLDER + 1))
        found = ingest.stat(group.at)
        return [found] if found else []

    def _half(self, place: Place) -> ProjectCatalog:
        """Made once a project and round: a sweep asks for it with every folder."""
        if place.project not in self._halves:
            self._halves[place.project] = self.services.of(project_id_for(place.project))
        return self._halves[place.project]

    def _complaints(self, contents: Contents, project: ProjectId) -> dict[str, str]:
        place, owner = contents.place, self._owner(project, contents.place)
        crossed = f"project id {project} belongs to the folder {owner!r}: rename this one"
        if place.project != owner:
            return dict.fromkeys((one.key for one in contents.objects), crossed)
        told = ((one.key, _complaint(one, place, self.layout)) for one in contents.objects)
        return {key: reason for key, reason in told if reason}

    def _owner(self, project: ProjectId, place: Place) -> str:
        """The one folder that has this project's id; another is a stranger."""
        if project not in self._owners:
            recorded = self._half(place).arrivals.folder()
            found = self.layout.place_of(recorded) if recorded else None
            self._owners[project] = found.project if found else place.project
        return self._owners[project]

    def _take(
        self, one: StoredObject, contents: Contents, half: ProjectCatalog, seen: Versions
    ) -> dict[str, str]:
        """Register the one media object of a video, or keep it for another look."""
        for known in contents.known:
            if _same(known, one):
                if known.missing_since is not None:
                    half.arrivals.found(known)
                return {}
        if not self.services.ingest.appears_whole and seen.get(one.key) != one.version:
            self._wait(one)
            # Until it was looked at again, what was said of it stands.
            return {k: reason for k, reason in contents.rejected.items() if k == one.key}
        if not one.size:
            return {one.key: "empty: put it in again, whole"}
        return self._register(one, contents.place.video or "", half)

    def _wait(self, one: StoredObject) -> None:
        if len(self.pending) < MOST_PENDING:
            self.pending[one.key] = one.version

    def _register(self, one: StoredObject, name: str, half: ProjectCatalog) -> dict[str, str]:
        try:
            source = _source(half.project, name, one)
            before = half.videos.get(source.key.video)
            if before is not None and before.due is Due.REMOVAL:
                # It starts anew: nothing of the removed one may be left for it to find.
                if not carry_out(self.services, before, self.allowance):
                    self._wait(one)
                    return {}
            elif before is not None and self._is_elsewhere(before.source, source):
                return {one.key: f"ambiguous: {before.source.object_key!r} is the same video"}
            if half.videos.register(source, self.now):
                self.arrived.append(source.key)
        except IdentityError as error:
            return {one.key: str(error)}
        return {}

    def _is_elsewhere(self, before: Source, now: Source) -> bool:
        """Whether another object of the video is recorded and still there: where a rule does not
        give each video a folder of its own, no listing shows both."""
        if before.name != now.name or before.object_key == now.object_key:
            return False
        if self.layout.group_of(before.object_key) == self.layout.group_of(now.object_key):
            return False
        return self.services.ingest.project(now.key.project).stat(before.object_key) is not None

    def _miss(self, gone: Iterable[Known], half: ProjectCatalog, removes: bool) -> None:
        for known in gone:
            if not removes:
                self.missed.setdefault(half.project, []).append(known)
                half.arrivals.miss(known, self.now)
            elif half.arrivals.remove(known, self.now):
                self.removed.append(VideoKey(project=half.project, video=known.video))


def register_now(ingest: IngestStore, catalog: Catalog, object_key: str, now: datetime) -> Source:
    """Register one object that is known to be whole, without waiting for a second look. No run
    becomes due: whoever calls this sees to the rest.

    Raises SourceError where it is missing, empty, no plain file or not in a video's folder, and
    IdentityError where its names cannot be used.
    """
    layout = ingest.layout
    place = layout.place_of(object_key)
    if place is None or place.video is None or not layout.is_direct(object_key):
        raise _no_source(object_key, "lies in no video's folder", layout)
    project = project_id_for(place.project)
    found = ingest.project(project).stat(object_key)
    if found is None:
        raise _no_source(object_key, "is not there", layout)
    if found.form != "file":
        raise _no_source(object_key, "is no plain file", layout)
    if not found.size:
        raise _no_source(object_key, "is empty", layout)
    source = _source(project, place.video, found)
    catalog.project(project).videos.register(source, now, due=None)
    return source


def _no_source(object_key: str, what: str, layout: Layout) -> SourceError:
    return SourceError(what, where=object_key, remedy=f"Put a media file at {layout.told}.")


def _marks_a_folder(one: StoredObject) -> bool:
    return one.form == "file" and one.key.endswith("/")


def _same(known: Known, one: StoredObject) -> bool:
    return (known.object_key, known.version, known.removed_at) == (one.key, one.version, None)


def _ambiguous(candidates: Sequence[StoredObject]) -> dict[str, str]:
    names = " and ".join(repr(one.key.rpartition("/")[2]) for one in candidates)
    return {one.key: f"ambiguous: {names} lie there; leave one" for one in candidates}


def _complaint(one: StoredObject, place: Place, layout: Layout) -> str | None:
    if not is_key(one.key):
        return _NO_KEY
    if one.form == "symlink":
        return "a symbolic link is not followed: put the file itself there"
    if one.form == "other":
        return "no plain file with a name in UTF-8: put one there"
    if place.video is None or not layout.is_direct(one.key):
        return f"lies in no video's folder: put it at {layout.told}"
    return None


def _source(project: ProjectId, name: str, one: StoredObject) -> Source:
    return Source(
        key=VideoKey(project=project, video=video_id_for(name)),
        object_key=one.key,
        name=name,
        version=one.version,
        size=one.size,
    )
