"""The provider's own answers, stored verbatim before anything is made of them.

They lie under `_raw/`, one folder a work unit. A manifest, written last, says that all pages are
there: normalising again never costs again. They are never handed to consumers.
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
        """Whether all pages are there."""
        return self._outputs.stat(self._manifest) is not None

    def store(self, pages: Iterable[bytes]) -> None:
        """Store all pages, from the first, in a folder of their own. Those of an earlier try are
        removed once these are whole: until then they are what is read."""
        folder, hashes = f"{uuid4().hex}/", list[str]()
        for number, page in enumerate(pages):
            with self._outputs.writer(self._page(folder, number)) as out:
                out.write(page)
            hashes.append(hashlib.sha256(page).hexdigest())
        with self._outputs.writer(self._manifest, "application/json") as out:
            out.write(json.dumps({"folder": folder, "sha256": hashes}).encode())
        self._remove_others(folder)

    def _remove_others(self, folder: str) -> None:
        """Something else than pages may lie here too: a provider's own output."""
        try:
            for stored in list(self._outputs.listing(self._prefix)):
                among, slash, name = stored.key.removeprefix(self._prefix).rpartition("/")
                if name.startswith(_PAGE) and among + slash != folder:
                    self._outputs.delete(stored.key)
        except StorageError as error:
            _log.warning("%s: pages that nothing reads were left: %s", self._prefix, error)

    def read(self) -> Iterator[bytes]:
        """The pages, verified. Raises StorageError where one is not what was stored."""
        with self._outputs.open(self._manifest) as stored:
            manifest = json.loads(stored.read())
        for number, expected in enumerate(manifest["sha256"]):
            key = self._page(manifest.get("folder", ""), number)  # the first ones had none
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
    """Whether all pages of a work unit are there."""
    return RawPages(outputs, unit.request.key, unit.id).complete
