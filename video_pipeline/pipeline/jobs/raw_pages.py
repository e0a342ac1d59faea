"""Store the provider's answers verbatim, before anything is derived from them.

They are stored under `_raw/`, one folder a work unit, and are not part of the published results. A
manifest, written last, marks them as complete: normalising again needs no new request. Beside them,
request.json proves that a paid request may have been made.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from video_pipeline.domain.errors import StorageError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.work import WorkUnit
from video_pipeline.storage.store import ProjectOutputs

_log = logging.getLogger(__name__)
_PAGE = "page-"
MANIFEST, REQUEST = "manifest.json", "request.json"


class RequestRecord(BaseModel):
    """request.json: a paid request that may have been made.

    Only the last three fields are read again. The others are for people, whatever their form.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    request: JsonValue = None
    planned: JsonValue = None
    generation: int
    forced_by: str
    requested_at: datetime


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
        with self._outputs.open(self._request) as stored:
            text = stored.read()
        try:
            return RequestRecord.model_validate_json(text)
        except ValidationError as error:
            raise StorageError(
                "the record of a request cannot be read",
                where=self._request,
                remedy="Check at the provider whether the request was made. If it was not, delete "
                "the file.",
            ) from error

    def store(self, pages: Iterable[bytes]) -> None:
        """Store all pages in a new folder; until then `read` returns those of an earlier try."""
        folder, hashes = f"{uuid4().hex}/", list[str]()
        for number, page in enumerate(pages):
            with self._outputs.writer(self._page(folder, number)) as out:
                out.write(page)
            hashes.append(hashlib.sha256(page).hexdigest())
        with self._outputs.writer(self._manifest, "application/json") as out:
            out.write(json.dumps({"folder": folder, "sha256": hashes}).encode())
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
        with self._outputs.open(self._manifest) as stored:
            manifest = json.loads(stored.read())
        for number, expected in enumerate(manifest["sha256"]):
            key = self._page(manifest.get("folder", ""), number)  # old manifests have no folder
            with self._outputs.open(key) as stored:
                page = stored.read()
            if hashlib.sha256(page).hexdigest() != expected:
                raise StorageError(
                    "a stored provider page is damaged",
                    where=key,
                    remedy="Delete its manifest.json and run the phase with force.",
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
