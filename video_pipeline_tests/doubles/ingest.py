"""Put videos into an ingest folder, and register them as the arrivals sensor would."""

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from video_pipeline.catalog.connection import connect
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.pipeline.arrivals.look import register_now
from video_pipeline.storage.local.folder import FolderIngest


def put_in(ingest: Path, uri: str, keys: Iterable[str], sample: Path) -> None:
    """Copy the sample under each key, and register it in the catalogue."""
    catalog = connect(uri, "video_pipeline")
    for key in keys:
        name = f"{VideoKey.parse(key).prefix}{sample.name}"
        (ingest / name).parent.mkdir(parents=True)
        shutil.copy(sample, ingest / name)
        register_now(FolderIngest(ingest), catalog, name, datetime.now(UTC))
    catalog.close()
