"""Short videos, each of its own bytes, cut out of the samples without encoding them again."""

from collections.abc import Iterable
from pathlib import Path

import av

import video_pipeline.samples
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline_tests.servers.bucket_that_tells import BucketThatTells

SECONDS = 2


def cut(path: Path) -> bytes:
    """The first seconds of the drawn sample: its packets as they are."""
    sample = Path(video_pipeline.samples.__file__).with_name("trailer.mp4")
    with av.open(str(sample)) as given, av.open(str(path), "w") as out:
        streams = {s.index: out.add_stream_from_template(s) for s in given.streams}
        for packet in given.demux():
            if packet.dts is None or packet.pts * packet.time_base >= SECONDS:
                continue
            packet.stream = streams[packet.stream.index]
            out.mux(packet)
    return path.read_bytes()


def bytes_of(reel: bytes, key: str) -> bytes:
    """The reel of one video: behind it, where no player looks, stands its key."""
    name = key.encode()
    return reel + (8 + len(name)).to_bytes(4, "big") + b"free" + name


def object_key(key: str) -> str:
    """Where the reel of this video lies in the bucket."""
    return f"{VideoKey.parse(key).prefix}reel.mp4"


def put(bucket: BucketThatTells, reel: bytes, keys: Iterable[str]) -> None:
    """A video under each key."""
    for key in keys:
        bucket.put(object_key(key), bytes_of(reel, key))
