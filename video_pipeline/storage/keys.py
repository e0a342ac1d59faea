"""The rules for keys in all stores: their form, and which keys belong to a project."""

from pydantic import TypeAdapter, ValidationError

from video_pipeline.domain.errors import StorageError
from video_pipeline.domain.naming.identity import ProjectId, project_id_for
from video_pipeline.domain.naming.layout import Layout, is_key

# The longest lifetime of a presigned address.
LONGEST_SECONDS = 24 * 3600

_PROJECT = TypeAdapter[str](ProjectId)


def parts_of(key: str) -> tuple[str, ...]:
    """Split a key at its slashes.

    Raises StorageError for a key that is no text, is absolute, or has an empty, `.` or `..` part.
    """
    if not is_key(key):
        raise StorageError(
            f"{key!r} is no object key",
            remedy="Write names with single slashes between them, without '.', '..' or NUL.",
        )
    return tuple(key.split("/"))


def checked_project(project: str) -> str:
    """Return the project id. Raises StorageError if it is invalid."""
    try:
        return _PROJECT.validate_python(project)
    except ValidationError as error:
        raise StorageError(
            f"{project!r} is no project id", remedy="Use the project's id."
        ) from error


def check_delivered(layout: Layout, project: str, key: str) -> tuple[str, ...]:
    """Split a key in an ingest store. Raises StorageError if it is of another project."""
    parts = parts_of(key)
    if not is_delivered(layout, project, key):
        raise _foreign(project, key)
    return parts


def is_delivered(layout: Layout, project: str, key: str) -> bool:
    """Return whether a key belongs to the project by the layout."""
    place = layout.place_of(key)
    return place is not None and project_id_for(place.project) == project


def check_published(project: str, key: str) -> tuple[str, ...]:
    """Split a key in an output store. Raises StorageError if it is of another project."""
    parts = parts_of(key)
    inside = parts[1:] if parts[0] == "_raw" else parts
    if len(inside) > 2 and inside[:2] == ("projects", project):
        return parts
    raise _foreign(project, key)


def check_handed_out(project: str, key: str, seconds: int) -> tuple[str, ...]:
    """Split a key that may be presigned for so long. Raises StorageError for any other."""
    parts = check_published(project, key)
    if parts[0] == "_raw":
        raise StorageError(
            f"{key!r} is a provider's raw answer, which is never shared",
            remedy="Share a published result.",
        )
    check_lifetime(key, seconds)
    return parts


def check_lifetime(key: str, seconds: int) -> None:
    """Raise StorageError unless an address may be valid for so long."""
    if not 0 < seconds <= LONGEST_SECONDS:
        raise StorageError(
            f"an address cannot be valid for {seconds} s",
            where=key,
            remedy=f"Request 1 to {LONGEST_SECONDS} seconds.",
        )


def delivered_prefix(layout: Layout, project: str, prefix: str) -> tuple[str, ...]:
    """Return the folders of a prefix in an ingest store.

    Raises StorageError if the prefix reaches beyond the project. With a pattern this is unknown,
    and the caller checks each key.
    """
    if not layout.pattern:
        return check_delivered(layout, project, _some_key(prefix))[:-1]
    return parts_of(_some_key(prefix))[:-1]


def published_prefix(project: str, prefix: str) -> tuple[str, ...]:
    """Return the folders of a prefix in an output store. Raises StorageError beyond the project."""
    return check_published(project, _some_key(prefix))[:-1]


def _some_key(prefix: str) -> str:
    return prefix if prefix and not prefix.endswith("/") else f"{prefix}*"


def _foreign(project: str, key: str) -> StorageError:
    return StorageError(
        f"{key!r} does not belong to project {project}",
        remedy="Use the view of the project that it belongs to.",
    )
