"""Arrivals: what lies in the ingest store becomes registered videos and recorded rejections.

An object must look the same in two sweeps before it is registered, so that files still being
copied wait. What is pending is the caller's cursor, to be kept only together with the runs that
it requests: where a cursor is lost, the next sweep finds the same arrivals once more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from video_pipeline.catalog.interface import Catalog, Videos
from video_pipeline.domain.errors import IdentityError, SourceError
from video_pipeline.domain.identity import ProjectId, VideoKey, project_id_for, video_id_for
from video_pipeline.domain.layout import Layout, Place
from video_pipeline.domain.source import Rejection, Source
from video_pipeline.pipeline.rejections import settle
from video_pipeline.storage.store import IngestStore, StoredObject

MOST = 100
"""Arrivals a sweep; the others stay pending. Requesting more runs at once takes minutes."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one look at the ingest store found."""

    arrivals: tuple[Source, ...]
    """Registered as new videos or new versions: each needs a run."""
    pending: dict[str, str]
    """Object key to version: to be looked at again, the next sweep's `seen`."""
    rejections: tuple[Rejection, ...]
    """All that no video can be made of now, as recorded in the catalogue."""
    strays: tuple[str, ...] = ()
    """Keys in no project's folder, which no project's catalogue can record."""


def sweep(
    ingest: IngestStore,
    catalog: Catalog,
    now: datetime,
    seen: Mapping[str, str],
    most: int = MOST,
) -> Sweep:
    """Look once at everything that lies in the ingest store.

    Registers what is new and looks as it did in `seen`, at most `most` of it; records why other
    objects cannot become videos, and clears what has been mended. Raises StorageError where the
    store cannot be listed, and CatalogUnavailable.
    """
    layout = ingest.layout
    found = _Findings(catalog, layout, now, seen, most)
    shown = (one for one in ingest.listing() if _visible(one, layout))
    for place, objects in groupby(shown, lambda one: layout.place_of(one.key)):
        if place is None:
            found.strays.extend(one.key for one in objects)
        else:
            _look_into(place, objects, found)
    rejections = settle(catalog, found.rejections, now)
    return Sweep(tuple(found.arrivals), found.pending, rejections, tuple(found.strays))


def register_now(ingest: IngestStore, catalog: Catalog, object_key: str, now: datetime) -> Source:
    """Register one object that is known to be whole, without waiting for a second look.

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
    catalog.project(project).videos.register(source, now)
    return source


def _no_source(object_key: str, what: str, layout: Layout) -> SourceError:
    return SourceError(what, where=object_key, remedy=f"Put a media file at {layout.told}.")


@dataclass(frozen=True, slots=True)
class _Project:
    """The project that a folder's name leads to."""

    id: ProjectId
    folder: str
    owner: str
    """The one folder that has this id; another is a stranger."""
    known: Mapping[str, str]
    """Recorded object keys with their versions."""
    videos: Videos


@dataclass(slots=True)
class _Findings:
    """What a sweep has found so far."""

    catalog: Catalog
    layout: Layout
    now: datetime
    seen: Mapping[str, str]
    most: int
    arrivals: list[Source] = field(default_factory=list[Source])
    pending: dict[str, str] = field(default_factory=dict[str, str])
    rejections: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    strays: list[str] = field(default_factory=list[str])
    owners: dict[str, str] = field(default_factory=dict[str, str])
    current: _Project | None = None

    def project(self, folder: str) -> _Project:
        """What is known of a folder's project. One is held at a time: a listing groups them."""
        if self.current is None or self.current.folder != folder:
            project = project_id_for(folder)
            videos = self.catalog.project(project).videos
            known = _known(videos)
            recorded = (place.project for place in map(self.layout.place_of, known) if place)
            owner = self.owners.setdefault(project, next(recorded, folder))
            self.current = _Project(project, folder, owner, known, videos)
        return self.current

    def reject(self, project: ProjectId, object_key: str, reason: str) -> None:
        self.rejections.setdefault(project, {})[object_key] = reason


def _known(videos: Videos) -> dict[str, str]:
    known: dict[str, str] = {}
    after = ""
    while page := videos.listing(after=after):
        known |= {record.source.object_key: record.source.version for record in page}
        after = page[-1].key.video
    return known


def _visible(one: StoredObject, layout: Layout) -> bool:
    marks_a_folder = one.form == "file" and one.key.endswith("/")
    return not marks_a_folder and not layout.is_beside(one.key)


def _look_into(place: Place, objects: Iterable[StoredObject], found: _Findings) -> None:
    """Look at the objects of one video's folder, or at some that lie in none."""
    project = found.project(place.project)
    candidates: list[StoredObject] = []
    for one in objects:
        reason = _complaint(one, place, project, found.layout)
        if reason:
            found.reject(project.id, one.key, reason)
        else:
            candidates.append(one)
    if len(candidates) > 1:
        names = " and ".join(repr(one.key.rpartition("/")[2]) for one in candidates)
        for one in candidates:
            found.reject(project.id, one.key, f"ambiguous: {names} lie there; leave one")
    elif candidates and place.video is not None:
        _take(candidates[0], place.video, project, found)


def _complaint(one: StoredObject, place: Place, project: _Project, layout: Layout) -> str | None:
    if project.folder != project.owner:
        return f"project id {project.id} belongs to the folder {project.owner!r}: rename this one"
    if one.form == "symlink":
        return "a symbolic link is not followed: put the file itself there"
    if one.form == "other":
        return "no plain file with a name in UTF-8: put one there"
    if place.video is None or not layout.is_direct(one.key):
        return f"lies in no video's folder: put it at {layout.told}"
    return None


def _take(one: StoredObject, name: str, project: _Project, found: _Findings) -> None:
    """Register the one media object of a video, or keep it for another look."""
    settled = found.seen.get(one.key) == one.version
    if not settled and project.known.get(one.key) == one.version:
        return
    if settled and not one.size:
        found.reject(project.id, one.key, "empty: put it in again, whole")
    elif settled and len(found.arrivals) < found.most and _register(one, name, project, found):
        return
    found.pending[one.key] = one.version


def _register(one: StoredObject, name: str, project: _Project, found: _Findings) -> bool:
    try:
        source = _source(project.id, name, one)
        project.videos.register(source, found.now)
    except IdentityError as error:
        found.reject(project.id, one.key, str(error))
        return False
    found.arrivals.append(source)
    return True


def _source(project: ProjectId, name: str, one: StoredObject) -> Source:
    return Source(
        key=VideoKey(project=project, video=video_id_for(name)),
        object_key=one.key,
        name=name,
        version=one.version,
        size=one.size,
    )
