"""The interfaces of object stores.

Keys are `/`-separated text. A project's view of a store raises StorageError for keys of other
projects. Outputs of a project lie below `projects/{project}/` and `_raw/projects/{project}/`. In
the ingest store the layout decides: by default `projects/{name}/` belongs to the project
`identity.project_id_for(name)`.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from video_pipeline.domain.naming.layout import Layout
from video_pipeline.domain.values import Frozen

OCTET_STREAM = "application/octet-stream"

# Only a file can be read. `undecodable`: its path is not UTF-8, and the key shows it with escapes.
# `closed`: a folder that is too deep or may not be read, with a trailing slash.
Form = Literal["file", "symlink", "undecodable", "closed", "other"]


class StoredObject(Frozen):
    """One version of an object. `version` changes whenever the bytes may have changed."""

    key: str
    size: int
    version: str
    earlier_version: str | None = None
    """The same version as earlier releases recorded it, if its form has changed since."""
    form: Form = "file"

    def is_version(self, recorded: str) -> bool:
        """Return whether it is still the recorded version."""
        return recorded in (self.version, self.earlier_version)


class ProjectIngest(Protocol):
    """The delivered objects of one project, read-only."""

    @property
    def project(self) -> str: ...

    def stat(self, key: str) -> StoredObject | None:
        """Return the current object, or None."""
        ...

    def listing(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the project's objects whose keys begin with the prefix, in key order.

        In the default layout, the prefix must include the project's folder and its slash.
        """
        ...

    def open(self, key: str, version: str) -> AbstractContextManager[BinaryIO]:
        """Open exactly this version, seekable. A local store gives a real file descriptor.

        Raises SourceGone if the object was deleted, and SourceError if it was replaced or is no
        regular file.
        """
        ...

    def fetch(self, key: str, version: str, into: Path) -> None:
        """Copy exactly this version to a local file, with its checksum verified.

        Raises SourceError as `open`, StorageFull and StorageError, and leaves no file then.
        """
        ...

    def uri(self, key: str) -> str:
        """Return the object's address for other services."""
        ...

    def console_url(self, key: str) -> str | None:
        """Return the object's page in the store's own console, or None if it has none."""
        ...

    def presigned(self, key: str, seconds: int) -> str:
        """Return an address of the current object; see ProjectOutputs.presigned."""
        ...


class IngestStore(Protocol):
    """Where videos arrive."""

    @property
    def layout(self) -> Layout:
        """Return how keys name project and video."""
        ...

    @property
    def appears_whole(self) -> bool:
        """Return whether objects become visible only when complete.

        Otherwise a visible object may still grow, and must look the same twice.
        """
        ...

    @property
    def is_remote(self) -> bool:
        """Return whether reads use a network, so that repeated reads deserve a local copy."""
        ...

    def listing(self, after: str = "") -> Iterator[StoredObject]:
        """Yield the objects below `layout.below` with keys greater than `after`, in key order."""
        ...

    def project(self, project: str) -> ProjectIngest:
        """Return the view of one project."""
        ...


class ProjectOutputs(Protocol):
    """One project's results."""

    @property
    def project(self) -> str: ...

    def writer(self, key: str, media_type: str = OCTET_STREAM) -> AbstractContextManager[BinaryIO]:
        """Write an object as a stream. It becomes visible, whole, when the block ends.

        If the block raises, nothing becomes visible and any earlier object stays. Raises
        StorageFull, StorageError.
        """
        ...

    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Read an object as a stream. Raises StorageError if it does not exist."""
        ...

    def stat(self, key: str) -> StoredObject | None:
        """Return the current object, or None."""
        ...

    def listing(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects whose keys begin with the prefix, in key order.

        The prefix must include the project's folder and its slash.
        """
        ...

    def delete(self, key: str) -> None:
        """Delete an object, if it exists."""
        ...

    def uri(self, key: str) -> str:
        """Return the object's address for people."""
        ...

    def console_url(self, key: str) -> str | None:
        """Return the object's page in the store's own console, or None if it has none."""
        ...

    def presigned(self, key: str, seconds: int) -> str:
        """Return an address that anyone can read for so many seconds, at most a day.

        Raises StorageError for another lifetime, and for raw answers (`_raw/`). The address of a
        file never expires; the file's permissions protect it.
        """
        ...


class OutputStore(Protocol):
    """Where results are published."""

    def project(self, project: str) -> ProjectOutputs:
        """Return the view of one project."""
        ...
