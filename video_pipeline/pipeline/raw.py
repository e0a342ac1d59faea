"""The provider's own answers, stored verbatim before anything is made of them.

They lie under `_raw/`, one folder a work unit. A manifest, written last, says that all pages are
there: normalising again never costs again. They are never handed to consumers.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator

from video_pipeline.domain.errors import StorageError
from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.work import WorkUnit
from video_pipeline.storage.store import ProjectOutputs


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
        """Store all pages, from the first. Pages left by an earlier try are replaced."""
        hashes: list[str] = []
        for number, page in enumerate(pages):
            with self._outputs.writer(self._page(number)) as out:
                out.write(page)
            hashes.append(hashlib.sha256(page).hexdigest())
        with self._outputs.writer(self._manifest) as out:
            out.write(json.dumps({"sha256": hashes}).encode())

    def read(self) -> Iterator[bytes]:
        """The pages, verified. Raises StorageError where one is not what was stored."""
        with self._outputs.open(self._manifest) as manifest:
            hashes: list[str] = json.loads(manifest.read())["sha256"]
        for number, expected in enumerate(hashes):
            with self._outputs.open(self._page(number)) as stored:
                page = stored.read()
            if hashlib.sha256(page).hexdigest() != expected:
                raise StorageError(
                    "a stored provider page is damaged",
                    where=self._page(number),
                    remedy="Delete its manifest.json and run the phase with force.",
                )
            yield page

    @property
    def _manifest(self) -> str:
        return f"{self._prefix}manifest.json"

    def _page(self, number: int) -> str:
        return f"{self._prefix}page-{number:05}"


def are_stored(outputs: ProjectOutputs, unit: WorkUnit) -> bool:
    """Whether all pages of a work unit are there."""
    return RawPages(outputs, unit.request.key, unit.id).complete
