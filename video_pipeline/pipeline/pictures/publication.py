"""The published pictures: files of their own, sheets with a track, and an index of all."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.pictures import candidates
from video_pipeline.pipeline.pictures.candidates import Rated
from video_pipeline.pipeline.pictures.choice import Stretch
from video_pipeline.pipeline.pictures.sheets import Index, Picture, Tile, sheets, tiles, track
from video_pipeline.pipeline.video_run import VideoRun

_INDEX, _TRACK = "index.json", "sprite.vtt"
_JPEG = "image/jpeg"

# A stretch of the video, and the candidate that stands for it.
Chosen = tuple[Stretch, Rated]


def folder_of(run: VideoRun) -> str:
    """Return the prefix of a video's pictures."""
    return f"{run.key.prefix}pictures/"


def write(run: VideoRun, media: MediaInfo, chosen: Sequence[Chosen]) -> list[str]:
    """Write pictures, sheets, track and index. Return the names of all, the pictures last."""
    folder, written = folder_of(run), list[str]()

    def put(name: str, media_type: str, content: bytes) -> None:
        with run.outputs.writer(f"{folder}{name}", media_type) as out:
            out.write(content)
        written.append(f"{folder}{name}")

    pictures = _placed(media, chosen)

    def jpegs() -> Iterator[tuple[Tile, bytes]]:
        """Put each picture, and yield it for each of its tiles."""
        found = candidates.jpegs(run, {rated.at for _, rated in chosen})
        for (rated, jpeg), (_, same) in zip(found, groupby(pictures, _at), strict=True):
            put(_name(rated), _JPEG, jpeg)
            yield from ((picture.tile, jpeg) for picture in same)

    for sheet in sheets(jpegs()):
        put(sheet.name, _JPEG, sheet.jpeg)
    put(_TRACK, "text/vtt", track(pictures, media.duration).encode())
    index = Index(content=run.content, pictures=tuple(pictures))
    put(_INDEX, "application/json", index.model_dump_json().encode())
    return sorted(written, key=lambda name: name.removeprefix(folder)[0].isdigit())


def _placed(media: MediaInfo, chosen: Sequence[Chosen]) -> list[Picture]:
    shape = (media.video.width, media.video.height) if media.video else (1, 1)
    return [
        Picture(
            name=_name(rated),
            at=rated.at,
            shot=stretch.shot,
            start=stretch.range.start,
            end=stretch.range.end,
            tile=tile,
        )
        for (stretch, rated), tile in zip(chosen, tiles(len(chosen), shape), strict=True)
    ]


def _at(picture: Picture) -> object:
    return picture.at


def _name(rated: Rated) -> str:
    """Return the name of a picture: its time in milliseconds."""
    return f"{int(rated.at * 1000):010}.jpg"


def delete_others(run: VideoRun, outputs: Collection[str]) -> None:
    """Delete the pictures of earlier results, and of the phase `thumbnails` of earlier versions."""
    for folder in (folder_of(run), f"{run.key.prefix}thumbnails/"):
        for stored in list(run.outputs.listing(folder)):
            if stored.key not in outputs:
                run.outputs.delete(stored.key)


def read_index(run: VideoRun) -> Index | None:
    """Return the index of the published pictures, or None without pictures."""
    made = run.catalog.results.get(run.key.video, Phase.PICTURES)
    name = f"{folder_of(run)}{_INDEX}"
    if made is None or name not in made.outputs:
        return None
    with run.outputs.open(name) as stored:
        return Index.model_validate_json(stored.read())
