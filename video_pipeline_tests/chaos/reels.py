"""Short videos, each of its own bytes, cut out of the samples without encoding them again."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import av

import video_pipeline.samples
from video_pipeline.domain.identity import VideoKey

SECONDS = 2


def cut(path: Path) -> Path:
    """The first seconds of the drawn sample: its packets as they are."""
    sample = Path(video_pipeline.samples.__file__).with_name("trailer.mp4")
    with av.open(str(sample)) as given, av.open(str(path), "w") as out:
        streams = {s.index: out.add_stream_from_template(s) for s in given.streams}
        for packet in given.demux():
            if packet.dts is None or packet.pts * packet.time_base >= SECONDS:
                continue
            packet.stream = streams[packet.stream.index]
            out.mux(packet)
    return path


def put(ingest: Path, reel: Path, keys: Iterable[str]) -> None:
    """A video under each key: the reel and, behind it, where no player looks, its name."""
    for key in keys:
        target = ingest / VideoKey.parse(key).prefix / reel.name
        target.parent.mkdir(parents=True)
        shutil.copy(reel, target)
        name = key.encode()
        with target.open("ab") as end:
            end.write((8 + len(name)).to_bytes(4, "big") + b"free" + name)
