"""What `doctor` looks at in the stores: whether videos can be read and results be published.

Nothing stays of what it writes. A bucket is asked for real: what is refused is a finding.
"""

from collections.abc import Callable, Iterator

from video_pipeline.cli.doctor.finding import Finding
from video_pipeline.domain.errors import PipelineError
from video_pipeline.domain.naming.identity import project_id_for
from video_pipeline.settings import Place, Settings
from video_pipeline.storage.store import IngestStore, OutputStore
from video_pipeline.wiring import open_stores

_PROBE = "doctor"
"""A project and an object that doctor alone uses."""


def stores(settings: Settings) -> Iterator[Finding]:
    """Whether videos can arrive and results be published."""
    ingest, outputs = open_stores(settings)
    storage = settings.storage
    yield _told("ingest", storage.ingest, lambda: _read(ingest))
    yield _told("outputs", storage.outputs, lambda: _publish(outputs))


def _told(subject: str, place: Place, look: Callable[[], None]) -> Finding:
    name = f"s3://{place.bucket}" if place.bucket else str(place.folder)
    try:
        look()
    except PipelineError as error:
        return Finding(subject, "missing", f"{name}: {error.what}", error.remedy)
    return Finding(subject, "ok", name)


def _read(ingest: IngestStore) -> None:
    """Look at the first object, and read of it where it is a file of some project's."""
    first = next(iter(ingest.listing()), None)
    place = ingest.layout.place_of(first.key) if first else None
    if first is None or place is None or first.form != "file" or first.key.endswith("/"):
        return
    half = ingest.project(project_id_for(place.project))
    with half.open(first.key, first.version) as reader:
        reader.read(1)


def _publish(outputs: OutputStore) -> None:
    """Write, read and delete an object."""
    half = outputs.project(_PROBE)
    key = f"projects/{_PROBE}/videos/{_PROBE}/written-by-doctor"
    with half.writer(key) as target:
        target.write(_PROBE.encode())
    with half.open(key) as reader:
        reader.read()
    list(half.listing(f"projects/{_PROBE}/"))
    half.delete(key)
