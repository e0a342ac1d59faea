"""Checks the stores by reading a video and writing a result, which is deleted again."""

from collections.abc import Callable, Iterator

from video_pipeline.cli.doctor.finding import Finding
from video_pipeline.domain.errors import PipelineError
from video_pipeline.domain.naming.identity import project_id_for
from video_pipeline.settings import Place, Settings
from video_pipeline.storage.store import IngestStore, OutputStore
from video_pipeline.wiring import open_stores

# A project and an object that only doctor uses.
_PROBE = "doctor"


def stores(settings: Settings) -> Iterator[Finding]:
    """Check that videos can be read and results written."""
    ingest, outputs = open_stores(settings)
    storage = settings.storage
    yield _finding("ingest", storage.ingest, lambda: _read(ingest))
    yield _finding("outputs", storage.outputs, lambda: _publish(outputs))


def _finding(subject: str, place: Place, check: Callable[[], None]) -> Finding:
    name = f"s3://{place.bucket}" if place.bucket else str(place.folder)
    try:
        check()
    except PipelineError as error:
        return Finding(subject, "missing", f"{name}: {error.what}", error.remedy)
    return Finding(subject, "ok", name)


def _read(ingest: IngestStore) -> None:
    """List the first object, and read one byte of it if it is a file of a project."""
    first = next(iter(ingest.listing()), None)
    place = ingest.layout.place_of(first.key) if first else None
    if first is None or place is None or first.form != "file" or first.key.endswith("/"):
        return
    store = ingest.project(project_id_for(place.project))
    with store.open(first.key, first.version) as reader:
        reader.read(1)


def _publish(outputs: OutputStore) -> None:
    """Write, read and delete an object."""
    store = outputs.project(_PROBE)
    key = f"projects/{_PROBE}/videos/{_PROBE}/written-by-doctor"
    with store.writer(key) as target:
        target.write(_PROBE.encode())
    with store.open(key) as reader:
        reader.read()
    list(store.listing(f"projects/{_PROBE}/"))
    store.delete(key)
