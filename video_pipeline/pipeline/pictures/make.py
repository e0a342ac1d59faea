"""Make the pictures of a video: the best frame of each shot, sheets of them, and an index.

They are chosen among the candidates that the analysis kept. The source is opened again only if none
are kept, or a shot has none.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from video_pipeline.domain.errors import SourceError
from video_pipeline.domain.media import MediaInfo, VideoStream
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.markers import Kind, Marker
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.source import VideoRecord
from video_pipeline.media.reader import Candidate, DecodeEnd, MediaReader
from video_pipeline.pipeline.pictures import candidates
from video_pipeline.pipeline.pictures.candidates import Kept
from video_pipeline.pipeline.pictures.choice import (
    MOST_PICTURES,
    Stretch,
    best,
    longest_of,
    stretches,
    without_candidate,
)
from video_pipeline.pipeline.pictures.publication import Chosen, delete_others, write
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.signals.measure import FEED, PictureMeter
from video_pipeline.pipeline.signals.stored import store_pictures
from video_pipeline.pipeline.source.probe import known_source
from video_pipeline.pipeline.source.read import LocalSource, replaced
from video_pipeline.pipeline.source.scratch import run_folder
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.storage.store import IngestStore

_NO_VIDEO = "the source has no video stream: it has no pictures"


@dataclass(frozen=True)
class Decoder:
    """What a decode of the source needs."""

    reader: MediaReader
    ingest: IngestStore
    scratch: Path
    scratch_bytes: int

    def keep_candidates(
        self, run: VideoRun, record: VideoRecord, media: MediaInfo, moments: Collection[Fraction]
    ) -> None:
        """Keep candidates in place of any others, with those shown at these moments.

        Like any decode it leaves signals.
        """
        wanted, meter = candidates.spec(media, moments), PictureMeter()
        with run_folder(self.scratch) as folder, candidates.keeping(run) as keeper:
            source = LocalSource(self.ingest, record, folder, self.scratch_bytes)
            with source.open() as opened:
                for found in self.reader.decode(opened, media, [FEED], wanted):
                    if isinstance(found, Candidate):
                        keeper.add(found)
                    elif isinstance(found, DecodeEnd):
                        keeper.warnings = found.decoded.warnings
                        store_pictures(run, meter.finish(run.content, found.decoded))
                    else:
                        meter.feed(found.batch)


def make_pictures(run: VideoRun, decoder: Decoder) -> Outcome:
    """Publish the pictures, or return an outcome that says why the shots are missing.

    A video whose shots failed has pictures over time, unless it has pictures already.
    """
    return own_results.reported(run, Phase.PICTURES, lambda: _make(run, decoder))


def _make(run: VideoRun, decoder: Decoder) -> Outcome:
    started = run.clock()
    record = known_source(run)
    if (media := record.media) is None:
        remedy = "Run media_info first."
        raise SourceError("the source was not probed yet", where=str(run.key), remedy=remedy)
    run = run.with_content(media.sha256)
    shots, made = (own_results.current(run, phase) for phase in (Phase.SHOTS, Phase.PICTURES))
    if shots is None and not _ended_badly(run):
        return own_results.waiting(run, Phase.PICTURES, [Phase.SHOTS])
    made_from = shots.fingerprint if shots else ""
    if made is not None and (shots is None or made_from == _made_from(made)):
        candidates.discard(run)
        return own_results.reused(made)
    own_results.check_current(run)
    chosen, warnings = list[Chosen](), [_NO_VIDEO]
    if media.video is not None:
        markers = list(run.catalog.results.markers(run.key.video, [Phase.SHOTS])) if shots else []
        chosen, warnings = _choice(run, decoder, record, media, media.video, markers)
    outputs = write(run, media, chosen) if chosen else []
    inputs = {Phase.SHOTS: made_from}
    origin = own_results.provenance(run.content, started, run.clock(), inputs=inputs)
    counts = {"pictures": len({rated.at for _, rated in chosen})}
    outcome = own_results.publish(
        run, Phase.PICTURES, origin, counts=counts, outputs=outputs, warnings=warnings
    )
    # Last: after a kill, the next run chooses among the same candidates.
    delete_others(run, outputs)
    candidates.discard(run)
    return outcome


def _ended_badly(run: VideoRun) -> bool:
    status = run.catalog.results.statuses(run.key.video).get(Phase.SHOTS)
    return status is not None and status.state.ended_badly


def _made_from(pictures: PhaseResult) -> str | None:
    """Return the fingerprint of the shots that pictures were made from."""
    return pictures.provenance.inputs.get(Phase.SHOTS) if pictures.provenance else None


def _choice(
    run: VideoRun,
    decoder: Decoder,
    record: VideoRecord,
    media: MediaInfo,
    video: VideoStream,
    markers: Sequence[Marker],
) -> tuple[list[Chosen], list[str]]:
    """Return the best candidate of each stretch, and warnings. Decode if a shot has none."""
    kept, has_shots = candidates.kept(run), any(one.kind == Kind.SHOT for one in markers)
    found = _stretches(video, markers, kept) if has_shots or kept else []
    lacking = without_candidate(longest_of(found), kept.candidates if kept else ())
    if kept is None or (has_shots and lacking):
        moments = [(one.range.start + one.range.end) / 2 for one in lacking]
        decoder.keep_candidates(run, record, media, moments)
        if (kept := candidates.kept(run)) is None:
            raise replaced(record)
        found = _stretches(video, markers, kept)
    # The phase publishes nothing else beside shots but the transitions between them.
    transitions = [marker.range for marker in markers if marker.kind != Kind.SHOT]
    picked = ((one, best(one.range, kept.candidates, transitions)) for one in longest_of(found))
    warnings = [*kept.warnings]
    if len(found) > MOST_PICTURES:
        told = f"of {len(found):,} shots only the {MOST_PICTURES:,} longest have a picture"
        warnings.append(told)
    chosen = [(one, rated) for one, rated in picked if rated is not None]
    return sorted(chosen, key=lambda pair: pair[1].at), warnings


def _stretches(video: VideoStream, markers: Sequence[Marker], kept: Kept | None) -> list[Stretch]:
    known = kept.candidates if kept else ()
    changes = [one.begins for one in known if one.begins is not None]
    # A container may declare too short a length.
    return stretches(max([video.duration, *(one.at for one in known[-1:])]), markers, changes)
