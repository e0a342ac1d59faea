"""Store the provider's answers verbatim, before anything is derived from them.

They are stored under `_raw/`, one folder a work unit, and are not part of the published results. A
manifest, written last, marks them as complete: normalising again needs no new request. Beside them,
request.json proves that a paid request may have been made.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TypeVar
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from video_pipeline.domain.errors import StorageError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.values import MOST_BYTES, read_json
from video_pipeline.domain.work import WorkUnit
from video_pipeline.storage.store import ProjectOutputs

_log = logging.getLogger(__name__)
_PAGE = "page-"
# What is read at once of a file whose size nobody has checked.
_CHUNK = 1 << 16
_DAMAGED = "Delete its manifest.json and run the phase with force."
MANIFEST, REQUEST = "manifest.json", "request.json"
# Each one ended in failure or was forced. All up to the latest are looked for.
MOST_GENERATIONS = 10_000
_Model = TypeVar("_Model", bound=BaseModel)


class RequestRecord(BaseModel):
    """request.json: a paid request that may have been made.

    Only the last three fields are read again. The others are for people, whatever their form.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    request: JsonValue = None
    planned: JsonValue = None
    generation: int = Field(ge=0, le=MOST_GENERATIONS)
    forced_by: str
    requested_at: datetime


class _Manifest(BaseModel):
    """manifest.json: the folder of the pages, none for those of old, and their digests."""

    folder: str = ""
    sha256: tuple[str, ...]


class RawPages:
    """The pages of one work unit."""

    def __init__(self, outputs: ProjectOutputs, key: VideoKey, unit: str) -> None:
        self._outputs = outputs
        self._prefix = f"{key.raw_prefix}{unit}/"

    @property
    def complete(self) -> bool:
        """Return whether all pages are stored."""
        return self._outputs.stat(self._manifest) is not None

    def record_request(self, unit: WorkUnit, now: datetime) -> None:
        """Record that the unit's request is about to be made."""
        plain = unit.model_dump(mode="json", include={"request", "planned"})
        record = RequestRecord(
            request=plain["request"],
            planned=plain["planned"],
            generation=unit.generation,
            forced_by=unit.forced_by,
            requested_at=now,
        )
        with self._outputs.writer(self._request, "application/json") as out:
            out.write(record.model_dump_json(indent=1).encode())

    def forget_request(self) -> None:
        """Delete the record of a request that the provider has refused."""
        try:
            self._outputs.delete(self._request)
        except StorageError as error:
            _log.warning("%s: the refused request could not be deleted: %s", self._prefix, error)

    def requested(self) -> RequestRecord | None:
        """Return the record of the unit's request, or None. Raises StorageError."""
        if self._outputs.stat(self._request) is None:
            return None
        return self._read(
            RequestRecord,
            self._request,
            "the record of a request cannot be read",
            "Check at the provider whether the request was made. If it was not, delete the file.",
        )

    def _read(self, model: type[_Model], key: str, what: str, remedy: str) -> _Model:
        """Return a stored file, which others may have changed. Raises StorageError."""
        with self._outputs.open(key) as stored:
            chunks = iter(partial(stored.read, _CHUNK), b"")
            text = b"".join(islice(chunks, MOST_BYTES // _CHUNK + 1))
        try:
            return model.model_validate(read_json(text))
        except ValueError as error:
            raise StorageError(what, where=key, remedy=remedy) from error

    def store(self, pages: Iterable[bytes]) -> None:
        """Store all pages in a new folder; until then `read` returns those of an earlier try."""
        folder, hashes = f"{uuid4().hex}/", list[str]()
        for number, page in enumerate(pages):
            with self._outputs.writer(self._page(folder, number)) as out:
                out.write(page)
            hashes.append(hashlib.sha256(page).hexdigest())
        with self._outputs.writer(self._manifest, "application/json") as out:
            out.write(_Manifest(folder=folder, sha256=tuple(hashes)).model_dump_json().encode())
        self._remove_others(folder)

    def _remove_others(self, folder: str) -> None:
        try:
            for stored in list(self._outputs.listing(self._prefix)):
                among, slash, name = stored.key.removeprefix(self._prefix).rpartition("/")
                # A provider's own output may be stored here too, and stays.
                if name.startswith(_PAGE) and among + slash != folder:
                    self._outputs.delete(stored.key)
        except StorageError as error:
            _log.warning("%s: unused pages could not be deleted: %s", self._prefix, error)

    def read(self) -> Iterator[bytes]:
        """Yield the pages. Raises StorageError if a page does not match its digest."""
        manifest = self._read(
            _Manifest, self._manifest, "the list of a unit's pages cannot be read", _DAMAGED
        )
        for number, expected in enumerate(manifest.sha256):
            key = self._page(manifest.folder, number)
            with self._outputs.open(key) as stored:
                page = stored.read()
            if hashlib.sha256(page).hexdigest() != expected:
                raise StorageError(
                    "a stored provider page is damaged",
                    where=key,
                    remedy=_DAMAGED,
                )
            yield page

    @property
    def _manifest(self) -> str:
        return f"{self._prefix}{MANIFEST}"

    @property
    def _request(self) -> str:
        return f"{self._prefix}{REQUEST}"

    def _page(self, folder: str, number: int) -> str:
        return f"{self._prefix}{folder}{_PAGE}{number:05}"


def are_stored(outputs: ProjectOutputs, unit: WorkUnit) -> bool:
    """Return whether all pages of a work unit are stored."""
    return RawPages(outputs, unit.request.key, unit.id).complete
