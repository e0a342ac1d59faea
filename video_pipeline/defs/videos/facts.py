"""What a person reads of a phase's result: its source, streams, counts, first words and files."""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import chain, islice
from typing import Any, NamedTuple

import dagster as dg

from video_pipeline.catalog.results import Results
from video_pipeline.defs.videos.shot_bar import shot_bar
from video_pipeline.domain.errors import StorageError
from video_pipeline.domain.media import AudioStream, MediaInfo, VideoStream
from video_pipeline.domain.naming.printable import address, count_of, in_markdown, printable
from video_pipeline.domain.phases import PHASES, Phase
from video_pipeline.domain.results.markers import Kind
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.source import VideoRecord
from video_pipeline.domain.time import TimeRange, clock
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.plugins.inputs import AUDIO_RATE
from video_pipeline.storage.store import ProjectIngest, ProjectOutputs

Facts = dict[str, Any]

_WORDS = 24
_MOST_OUTPUTS = 20
# Of a hash, whose beginning is enough to compare.
_HASH = 12
_UNITS = ("kB", "MB", "GB", "TB")
# What one result of a kind is called where the kind itself does not say it.
_NOUNS = {
    Kind.TEXT: "text",
    Kind.MODERATION: "moderation marker",
    Kind.SPEECH: "speech range",
    Kind.BLACK: "black range",
    Kind.CUE: "technical cue",
}


class Reading(NamedTuple):
    """A result with the video that it belongs to."""

    run: VideoRun
    record: VideoRecord | None
    result: PhaseResult


def facts(read: Reading) -> Facts:
    """Return what a person reads of a result."""
    own = _OWN.get(read.result.phase)
    found = own(read) if own else _counted(read.result.counts)
    return found | _files(read.run.outputs, read.result)


def shortened(hash: str) -> str:
    """Return the beginning of a hash."""
    return f"{hash[:_HASH]}..." if len(hash) > _HASH else hash


def _source(read: Reading) -> Facts:
    record = read.record
    if record is None:
        return {}
    source = record.source
    return {
        "key": printable(source.object_key),
        **_addresses(read.run.ingest, source.object_key),
        "size": _size(source.size),
        "arrived": dg.MetadataValue.timestamp(record.arrived_at),
        "SHA-256": shortened(record.sha256 or ""),
    }


def _addresses(store: ProjectIngest, key: str) -> Facts:
    """Return where the source is. Empty if today's layout of the store does not cover it."""
    try:
        uri, page = store.uri(key), store.console_url(key)
    except StorageError:
        return {}
    where = printable(address(uri))
    found: Facts = {"address": dg.MetadataValue.path(where) if where != uri else where}
    return found | ({"console": dg.MetadataValue.url(page)} if page else {})


def _size(size: int) -> str:
    exact = count_of(size, "byte")
    power = min(len(_UNITS), (len(str(size)) - 1) // 3)
    return f"{size / 1000**power:.1f} {_UNITS[power - 1]} ({exact})" if power else exact


def _media(read: Reading) -> Facts:
    media = read.record.media if read.record else None
    if media is None:
        return {}
    found: Facts = {"duration": clock(media.duration), "container": media.container}
    if media.video:
        found |= _picture(media.video)
    if media.audio:
        found["audio"] = _audio_stream(media.audio)
    tags = {"timecode": media.timecode, "reel": media.reel}
    found |= {name: printable(text) for name, text in tags.items() if text}
    return found | {"streams": _streams(media)}


def _picture(video: VideoStream) -> Facts:
    rate = video.frame_rate.per_second
    exact = f" ({rate})" if rate.denominator > 1 else ""
    return {
        "picture": f"{video.width} x {video.height}"
        + (f", turned by {video.rotation} degrees" if video.rotation else "")
        + (", mirrored" if video.mirrored else ""),
        "frame rate": f"{round(float(rate), 3):g}{exact}"
        + (", but it varies" if video.variable_rate else ""),
        "video": video.codec,
    }


def _audio_stream(audio: AudioStream) -> str:
    return f"{audio.codec}, {audio.sample_rate:,} Hz, {count_of(audio.channels, 'channel')}"


def _streams(media: MediaInfo) -> str:
    streams = {"video": media.video, "audio": media.audio}
    return ", ".join(f"{clock(one.duration)} of {n}" for n, one in streams.items() if one)


def _audio(read: Reading) -> Facts:
    samples = read.result.counts.get("samples", 0)
    return {"result": f"{clock(Fraction(samples, AUDIO_RATE))} of audio" if samples else "no audio"}


def _shots(read: Reading) -> Facts:
    return _counted(read.result.counts) | _bar(read, with_speech=False)


def _timeline(read: Reading) -> Facts:
    results, video = read.run.catalog.results, read.run.key.video
    found: Facts = _counted(_by_kind(read))
    if read.record and read.record.media:
        found["duration"] = clock(read.record.media.duration)
    spoken = chain.from_iterable(segment.text.split() for segment in results.segments(video))
    words = list(islice(spoken, _WORDS + 1))
    if words:
        more = " ..." if len(words) > _WORDS else ""
        found["first words"] = printable(" ".join(words[:_WORDS])) + more
    return found | _bar(read, with_speech=True)


def _by_kind(read: Reading) -> dict[str, int]:
    """Return the counts of the phases that the timeline holds, in their order."""
    statuses = read.run.catalog.results.statuses(read.run.key.video)
    held = [statuses[phase].result for phase in PHASES[Phase.TIMELINE].needs if phase in statuses]
    of_kinds = {n: number for one in held if one for n, number in one.counts.items()}
    return of_kinds or read.result.counts


def _counted(counts: Mapping[str, int]) -> Facts:
    """Return counts in one line: `2 shots`. Zeros are shown only where nothing was found."""
    found = {name: number for name, number in counts.items() if number} or counts
    told = ", ".join(count_of(number, _noun(name)) for name, number in found.items())
    return {"result": told} if told else {}


def _noun(name: str) -> str:
    """Return the singular. Kinds are singular; other counts are named in the plural."""
    if name in frozenset(Kind):
        return _NOUNS.get(Kind(name), name)
    return name if name.startswith("x-") else name.removesuffix("s")


def _bar(read: Reading, *, with_speech: bool) -> Facts:
    """Return the bar of shots over time, or nothing without shots or duration."""
    duration = read.record.media.duration if read.record and read.record.media else Fraction(0)
    results, video = read.run.catalog.results, read.run.key.video
    shots = [m.range for m in results.markers(video, [Phase.SHOTS]) if m.kind == Kind.SHOT]
    if not shots or not duration:
        return {}
    speech = list(_speech(results, video)) if with_speech else None
    text = f"{count_of(len(shots), 'shot')} in {clock(duration)}"
    bar = shot_bar(duration, shots, speech, text)
    legend = "Shots in two blues by turns" + ("; below, speech in green." if with_speech else ".")
    return {"over time": dg.MetadataValue.md(f"{bar}\n\n{legend}")}


def _speech(results: Results, video: str) -> Iterator[TimeRange]:
    for segment in results.segments(video):
        yield from (word.range for word in segment.words) if segment.words else [segment.range]


def _files(store: ProjectOutputs, result: PhaseResult) -> Facts:
    if not result.outputs:
        return {}
    lines = [f"- {line}" for line in _linked(store, result.outputs[:_MOST_OUTPUTS])]
    if len(result.outputs) > _MOST_OUTPUTS:
        lines.append(f"- and {len(result.outputs) - _MOST_OUTPUTS:,} more")
    return {"files": dg.MetadataValue.md("\n".join(lines))}


def _linked(store: ProjectOutputs, names: Iterable[str]) -> Iterator[str]:
    """Yield the address of each file, with a link where the store has a console."""
    for name in names:
        shown, page = in_markdown(address(store.uri(name))), store.console_url(name)
        yield f"[{shown}]({page})" if page else shown


_OWN = {
    Phase.SOURCE_VIDEO: _source,
    Phase.MEDIA_INFO: _media,
    Phase.AUDIO: _audio,
    Phase.SHOTS: _shots,
    Phase.TIMELINE: _timeline,
}
