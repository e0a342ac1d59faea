"""Short videos with different bytes, cut from a sample without re-encoding."""

from collections.abc import Iterable
from pathlib import Path

import av

import video_pipeline.samples
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline_tests.servers.bucket_that_tells import BucketThatTells

SECONDS = 2


def cut(path: Path) -> bytes:
    """Write the first 2 s of the drawn sample without re-encoding. Return the file's bytes."""
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
    """Return the reel of one video. Its key is appended in a `free` box, which players ignore."""
    name = key.encode()
    return reel + (8 + len(name)).to_bytes(4, "big") + b"free" + name


def object_key(key: str) -> str:
    """Return the object key of a video's reel in the bucket."""
    return f"{VideoKey.parse(key).prefix}reel.mp4"


def put(bucket: BucketThatTells, reel: bytes, keys: Iterable[str]) -> None:
    """Put the reel of each video into the bucket."""
    for key in keys:
        bucket.put(object_key(key), bytes_of(reel, key))
