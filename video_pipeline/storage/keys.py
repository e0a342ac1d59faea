"""What a key may look like, and which keys belong to a project. The same for every store."""

from pydantic import TypeAdapter, ValidationError

from video_pipeline.domain.errors import StorageError
from video_pipeline.domain.naming.identity import ProjectId, project_id_for
from video_pipeline.domain.naming.layout import Layout, is_key

LONGEST_SECONDS = 24 * 3600
"""How long an address that anybody can read may hold."""

_PROJECT = TypeAdapter[str](ProjectId)


def parts_of(key: str) -> tuple[str, ...]:
    """The parts of a key between its slashes.

    Raises StorageError for a key that is no text, is absolute, or has an empty, `.` or `..` part.
    """
    if not is_key(key):
        raise StorageError(
            f"{key!r} is no object key",
            remedy="Write names with single slashes between them, without '.', '..' or NUL.",
        )
    return tuple(key.split("/"))


def checked_project(project: str) -> str:
    """The project id itself. Raises StorageError where it is none."""
    try:
        return _PROJECT.validate_python(project)
    except ValidationError as error:
        raise StorageError(
            f"{project!r} is no project id", remedy="Ask for a project by its id."
        ) from error


def check_delivered(layout: Layout, project: str, key: str) -> tuple[str, ...]:
    """The parts of a key in an ingest store that belongs to the project by the store's layout.

    What names the project there is the exact name from which its id is made. Raises StorageError
    for any other key.
    """
    parts = parts_of(key)
    if not is_delivered(layout, project, key):
        raise _foreign(project, key)
    return parts


def is_delivered(layout: Layout, project: str, key: str) -> bool:
    """Whether a key belongs to the project by the layout."""
    place = layout.place_of(key)
    return place is not None and project_id_for(place.project) == project


def check_published(project: str, key: str) -> tuple[str, ...]:
    """The parts of a key in an output store that belongs to the project, or StorageError."""
    parts = parts_of(key)
    inside = parts[1:] if parts[0] == "_raw" else parts
    if len(inside) > 2 and inside[:2] == ("projects", project):
        return parts
    raise _foreign(project, key)


def check_handed_out(project: str, key: str, seconds: int) -> tuple[str, ...]:
    """The parts of a key that may be handed out for so long. Raises StorageError."""
    parts = check_published(project, key)
    if parts[0] == "_raw":
        raise StorageError(
            f"{key!r} is a provider's raw answer",
            remedy="Hand out a published result; raw answers stay inside.",
        )
    if not 0 < seconds <= LONGEST_SECONDS:
        raise StorageError(
            f"an address cannot hold for {seconds} s",
            where=key,
            remedy=f"Ask for 1 to {LONGEST_SECONDS} seconds.",
        )
    return parts


def delivered_prefix(layout: Layout, project: str, prefix: str) -> tuple[str, ...]:
    """The folders that a prefix in an ingest store names. Raises StorageError where the usual
    layout says that it reaches beyond the project; by a rule, each key found has to be asked."""
    if not layout.pattern:
        return check_delivered(layout, project, _some_key(prefix))[:-1]
    return parts_of(_some_key(prefix))[:-1]


def published_prefix(project: str, prefix: str) -> tuple[str, ...]:
    """The folders that a prefix in an output store names. Raises StorageError where it reaches
    beyond the project."""
    return check_published(project, _some_key(prefix))[:-1]


def _some_key(prefix: str) -> str:
    return prefix if prefix and not prefix.endswith("/") else f"{prefix}*"


def _foreign(project: str, key: str) -> StorageError:
    return StorageError(
        f"{key!r} does not belong to project {project}",
        remedy="Ask for it through the project that it belongs to.",
    )
