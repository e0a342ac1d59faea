"""A look: compares one video's folder with the catalogue, and updates the catalogue.

It depends only on the present state of the store, whatever triggered it. So repeated, late or
reordered looks give the same result: S3 and file systems show writes and deletions at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from video_pipeline.catalog.catalog import Catalog, ProjectCatalog
from video_pipeline.domain.errors import IdentityError, SourceError
from video_pipeline.domain.naming.identity import ProjectId, VideoKey, project_id_for, video_id_for
from video_pipeline.domain.naming.layout import Group, Layout, Place, is_key
from video_pipeline.domain.source import Due, Known, Rejection, Source
from video_pipeline.pipeline.arrivals.removal import Allowance, carry_out
from video_pipeline.pipeline.services import Services
from video_pipeline.storage.store import Form, IngestStore, StoredObject

# Objects in and below one video's folder.
MOST_IN_A_FOLDER = 10_000
# Objects that wait for a second look; a later sweep finds the rest.
MOST_PENDING = 1_000

# Reasons are stored, and compared by their text: a reworded one is a new rejection.
_CROWD = f"more than {MOST_IN_A_FOLDER} objects lie in one video's folder: leave one"
_NO_KEY = "a name in its key is empty, '.' or '..', which not every store takes: rename it"
# By the form of an object.
_UNREADABLE: Mapping[Form, str] = {
    "symlink": "a symbolic link is not followed: put the file itself there",
    "undecodable": "its name is not UTF-8, and is shown with escapes: rename it",
    "closed": "a folder that may not be read or lies too deep: grant the right, or move its files",
    "other": "no plain file: put one there",
}

# Object key to version.
Versions = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Contents:
    """The objects of one video's folder, or a single object outside, with their records."""

    place: Place
    objects: Sequence[StoredObject]
    known: Sequence[Known]
    rejected: Mapping[str, str]
    crowded: bool = False
    """Whether the folder has too many objects, and `objects` only the first of them."""

    def gone(self) -> list[Known]:
        """Return the recorded videos whose objects are no longer there."""
        there = {one.key for one in self.objects}
        return [k for k in self.known if k.object_key not in there and k.removed_at is None]


@dataclass(slots=True)
class Looks:
    """The looks of one round, and their findings."""

    services: Services
    now: datetime
    allowance: Allowance = field(default_factory=Allowance)
    """The deletions left to this round."""
    arrived: list[VideoKey] = field(default_factory=list[VideoKey])
    """New videos and versions: registered, and due for a run."""
    removed: list[VideoKey] = field(default_factory=list[VideoKey])
    """Videos whose objects are gone: due for removal."""
    rejected: dict[str, str] = field(default_factory=dict[str, str])
    """Object keys that cannot become videos, with the reasons."""
    pending: dict[str, str] = field(default_factory=dict[str, str])
    """Object key to version: registered if the next round finds the same version."""
    missed: dict[ProjectId, list[Known]] = field(default_factory=dict[ProjectId, list[Known]])
    """Known videos that the sweep did not find, with the time of the first such sweep."""
    strays: list[str] = field(default_factory=list[str])
    """Keys outside all projects' folders, which no project's catalogue can record, and why."""
    _owners: dict[ProjectId, str] = field(default_factory=dict[ProjectId, str])
    _catalogs: dict[str, ProjectCatalog] = field(default_factory=dict[str, ProjectCatalog])

    @property
    def layout(self) -> Layout:
        return self.services.ingest.layout

    def into(self, key: str, seen: Versions | None = None, *, removes: bool = True) -> None:
        """Look into the folder of an object key, or at the single object outside such folders.

        In a store where files grow, an object is registered only if `seen` has its version. A gone
        object is marked as removed if `removes`, else as missing. Raises StorageError,
        CatalogError.
        """
        place, group = self.layout.place_of(key), self.layout.group_of(key)
        if place is None:
            self.strays.append(key)
            return
        if is_key(group.at.removesuffix("/")):
            self.at(self._contents(place, group), seen or {}, removes=removes)
        else:
            self._settle_rejections(self._catalog(place), {}, {key: _NO_KEY})

    def stray(self, one: StoredObject) -> None:
        """Note an object outside all projects' folders, with what is wrong with it, if anything."""
        reason = _UNREADABLE.get(one.form)
        self.strays.append(f"{one.key} ({reason})" if reason else one.key)

    def visible(self, objects: Iterable[StoredObject]) -> Iterable[StoredObject]:
        """Return the objects without folder markers and files allowed beside a video."""
        beside = self.layout.is_beside
        return (one for one in objects if not (_marks_a_folder(one) or beside(one.key)))

    def at(self, contents: Contents, seen: Versions, *, removes: bool = False) -> None:
        """Update the catalogue to these contents, as `into` does."""
        catalog = self._catalog(contents.place)
        reasons = self._complaints(contents, catalog.project)
        candidates = [one for one in contents.objects if one.key not in reasons]
        if contents.crowded:
            reasons = {contents.objects[0].key: _CROWD} if contents.objects else {}
        elif len(candidates) > 1:
            reasons |= _ambiguous(candidates)
        elif candidates and contents.place.video is not None:
            reasons |= self._accept(candidates[0], contents, catalog, seen)
        self._settle_rejections(catalog, contents.rejected, reasons)
        if not candidates and not contents.crowded:
            self._miss(contents.gone(), catalog, removes)

    def _settle_rejections(
        self, catalog: ProjectCatalog, recorded: Mapping[str, str], found: Mapping[str, str]
    ) -> None:
        """Update the recorded rejections (key to reason); an unchanged reason keeps its time."""
        for cleared in recorded.keys() - found.keys():
            catalog.videos.clear_rejection(cleared)
        for key, reason in found.items():
            if recorded.get(key) != reason:
                rejection = Rejection(
                    project=catalog.project, object_key=key, reason=reason, at=self.now
                )
                catalog.videos.reject(rejection)
        self.rejected |= found

    def _contents(self, place: Place, group: Group) -> Contents:
        """Read this group alone: in a layout by pattern, others may lie below its folder."""

        def is_its(key: str) -> bool:
            return self.layout.group_of(key) == group

        arrivals = self._catalog(place).arrivals
        # The listing comes last: an arrival between the two must not look like a removal.
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

    def _catalog(self, place: Place) -> ProjectCatalog:
        """Return the project's catalogue, made once: a sweep needs it for every folder."""
        if place.project not in self._catalogs:
            self._catalogs[place.project] = self.services.of(project_id_for(place.project))
        return self._catalogs[place.project]

    def _complaints(self, contents: Contents, project: ProjectId) -> dict[str, str]:
        place, owner = contents.place, self._owner(project, contents.place)
        crossed = f"project id {project} belongs to the folder {owner!r}: rename this one"
        if place.project != owner:
            return dict.fromkeys((one.key for one in contents.objects), crossed)
        found = ((one.key, _complaint(one, place, self.layout)) for one in contents.objects)
        return {key: reason for key, reason in found if reason}

    def _owner(self, project: ProjectId, place: Place) -> str:
        """Return the one folder to which this project id belongs."""
        if project not in self._owners:
            recorded = self._catalog(place).arrivals.folder()
            found = self.layout.place_of(recorded) if recorded else None
            self._owners[project] = found.project if found else place.project
        return self._owners[project]

    def _accept(
        self, one: StoredObject, contents: Contents, catalog: ProjectCatalog, seen: Versions
    ) -> dict[str, str]:
        """Register the one media object of a video, or keep it for a second look."""
        for known in contents.known:
            if _is_present(known, one):
                if known.missing_since is not None:
                    catalog.arrivals.found(known)
                return {}
        if not self.services.ingest.appears_whole and seen.get(one.key) != one.version:
            self._wait(one)
            # Its earlier rejection stays until the second look.
            return {k: reason for k, reason in contents.rejected.items() if k == one.key}
        if not one.size:
            return {one.key: "empty: put it in again, whole"}
        return self._register(one, contents.place.video or "", catalog)

    def _wait(self, one: StoredObject) -> None:
        if len(self.pending) < MOST_PENDING:
            self.pending[one.key] = one.version

    def _register(self, one: StoredObject, name: str, catalog: ProjectCatalog) -> dict[str, str]:
        try:
            source = _source(catalog.project, name, one)
            before = catalog.videos.get(source.key.video)
            if before is not None and before.due is Due.REMOVAL:
                # The video starts from scratch: finish the removal of the old one first.
                if not carry_out(self.services, before, self.allowance):
                    self._wait(one)
                    return {}
            elif before is not None and self._is_elsewhere(before.source, source):
                return {one.key: f"ambiguous: {before.source.object_key!r} is the same video"}
            if catalog.videos.register(source, self.now):
                self.arrived.append(source.key)
        except IdentityError as error:
            return {one.key: str(error)}
        return {}

    def _is_elsewhere(self, before: Source, now: Source) -> bool:
        """Return whether another object of the video is recorded and still there.

        In a layout by pattern, a video may have no folder whose listing shows both.
        """
        if before.name != now.name or before.object_key == now.object_key:
            return False
        if self.layout.group_of(before.object_key) == self.layout.group_of(now.object_key):
            return False
        return self.services.ingest.project(now.key.project).stat(before.object_key) is not None

    def _miss(self, gone: Iterable[Known], catalog: ProjectCatalog, removes: bool) -> None:
        for known in gone:
            if not removes:
                self.missed.setdefault(catalog.project, []).append(known)
                catalog.arrivals.miss(known, self.now)
            elif catalog.arrivals.remove(known, self.now):
                self.removed.append(VideoKey(project=catalog.project, video=known.video))


def register_now(ingest: IngestStore, catalog: Catalog, object_key: str, now: datetime) -> Source:
    """Register an object that is known to be whole at once. No run becomes due: the caller runs it.

    Raises SourceError if the object is missing, empty, no plain file or outside a video's folder.
    Raises IdentityError if its names cannot be used.
    """
    layout = ingest.layout
    place = layout.place_of(object_key)
    if place is None or place.video is None or not layout.is_direct(object_key):
        raise _no_source(object_key, "is in no video's folder", layout)
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


def _is_present(known: Known, one: StoredObject) -> bool:
    is_there = known.object_key == one.key and known.removed_at is None
    return is_there and one.is_version(known.version)


def _ambiguous(candidates: Sequence[StoredObject]) -> dict[str, str]:
    names = " and ".join(repr(one.key.rpartition("/")[2]) for one in candidates)
    return {one.key: f"ambiguous: {names} lie there; leave one" for one in candidates}


def _complaint(one: StoredObject, place: Place, layout: Layout) -> str | None:
    if one.form == "other" and not is_key(one.key):
        return _NO_KEY
    if one.form in _UNREADABLE:
        return _UNREADABLE[one.form]
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
