"""Store the provider's answers verbatim, before anything is derived from them.

They are stored under `_raw/`, one folder a work unit, and are not part of the published results. A
manifest, written last, marks them as complete: normalising again needs no new request.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from uuid import uuid4

from video_pipeline.domain.errors import StorageError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.work import WorkUnit
from video_pipeline.storage.store import ProjectOutputs

_log = logging.getLogger(__name__)
_PAGE = "page-"


class RawPages:
    """The pages of one work unit."""

    def __init__(self, outputs: ProjectOutputs, key: VideoKey, unit: str) -> None:
        self._outputs = outputs
        self._prefix = f"{key.raw_prefix}{unit}/"

    @property
    def complete(self) -> bool:
        """Return whether all pages are stored."""
        return self._outputs.stat(self._manifest) is not None

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
        return f"{self._prefix}manifest.json"

    def _page(self, folder: str, number: int) -> str:
        return f"{self._prefix}{folder}{_PAGE}{number:05}"


def are_stored(outputs: ProjectOutputs, unit: WorkUnit) -> bool:
    """Return whether all pages of a work unit are stored."""
    return RawPages(outputs, unit.request.key, unit.id).complete
