"""The interface of object stores. Implementations stand beside it, one a file.

Keys are `/`-separated text. A project's half of a store is bound to it: any key outside
`projects/{project}/` (and `_raw/projects/{project}/` for outputs) is refused with StorageError.
The ingest side has no method that writes; there, the store's layout says whose a key is, and a
project whose name is no id is found under its exact name: by default `projects/{name}/` belongs to
the project `identity.project_id_for(name)`.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from video_pipeline.domain.naming.layout import Layout
from video_pipeline.domain.values import Frozen

OCTET_STREAM = "application/octet-stream"


class StoredObject(Frozen):
    """An object at one version. `version` changes whenever the bytes may have changed."""

    key: str
    size: int
    version: str
    form: Literal["file", "symlink", "other"] = "file"


class ProjectIngest(Protocol):
    """One project's delivered objects, read-only."""

    @property
    def project(self) -> str: ...

    def stat(self, key: str) -> StoredObject | None:
        """The object now, None where there is none."""
        ...

    def listing(self, prefix: str) -> Iterator[StoredObject]:
        """Every object of the project whose key begins with the prefix, in key order.

        In the usual layout, the prefix names the project's folder at least, with a slash after it.
        """
        ...

    def open(self, key: str, version: str) -> AbstractContextManager[BinaryIO]:
        """The bytes of exactly this version, seekable; from a store that is not remote, with a
        real file descriptor.

        Raises SourceError where the object is gone, another version, or no plain file.
        """
        ...

    def fetch(self, key: str, version: str, into: Path) -> None:
        """Write the bytes of exactly this version to a file of this machine, checked.

        Raises SourceError as `open`, StorageFull, StorageError; then there is no such file.
        """
        ...

    def uri(self, key: str) -> str:
        """How other services address the object."""
        ...


class IngestStore(Protocol):
    """Where videos arrive."""

    @property
    def layout(self) -> Layout:
        """Which part of a key names the project, and which the video."""
        ...

    @property
    def appears_whole(self) -> bool:
        """Whether an object can be seen only once it is complete; else one that is seen may still
        be growing, and has to look the same at two looks."""
        ...

    @property
    def is_remote(self) -> bool:
        """Whether every read goes over a network, so that what is read often is worth a copy."""
        ...

    def listing(self, after: str = "") -> Iterator[StoredObject]:
        """Every object below `layout.below` with a key greater than `after`, in key order."""
        ...

    def project(self, project: str) -> ProjectIngest:
        """The half that belongs to one project."""
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
        """Read an object as a stream. Raises StorageError where there is none."""
        ...

    def stat(self, key: str) -> StoredObject | None:
        """The object now, None where there is none."""
        ...

    def listing(self, prefix: str) -> Iterator[StoredObject]:
        """Every object whose key begins with the prefix, in key order."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        ...

    def uri(self, key: str) -> str:
        """Where a person finds the object."""
        ...

    def presigned(self, key: str, seconds: int) -> str:
        """An address under which anybody can read the object for so many seconds, a day at most.

        Raises StorageError for another lifetime and for raw answers (`_raw/`), which are never
        handed out. A folder's address has no end: whoever may read the file can use it.
        """
        ...


class OutputStore(Protocol):
    """Where results are published."""

    def project(self, project: str) -> ProjectOutputs:
        """The half that belongs to one project."""
        ...
