"""The order of an event's metadata, and text of others within it."""

from fractions import Fraction
from typing import Any

import dagster as dg
import pytest

from video_pipeline.defs.videos.metadata import good_metadata
from video_pipeline.defs.videos.unfinished import other_metadata
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.naming.printable import printable
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult, Provenance
from video_pipeline.domain.results.transcript import Segment, Word
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.usage import Meter, Usage
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.plugins.ranking import Verdict
from video_pipeline_tests.defs.conftest import KEY, NOW
from video_pipeline_tests.defs.opened import Opened

HOSTILE = "<b>x</b> | [y](http://z) \u202e`\n"


@pytest.fixture
def run(stage: Opened) -> VideoRun:
    return VideoRun.of(stage.services, VideoKey.parse(KEY))


def outcome(state: PhaseState = PhaseState.DONE, unit: str | None = None) -> Outcome:
    origin = Provenance(
        provider="vendor",
        plugin="speech",
        version="3",
        model="large",
        choice="c" * 64,
        content="0" * 64,
        unit=unit,
        started_at=NOW,
        ended_at=NOW.replace(microsecond=250_000),
    )
    result = PhaseResult(
        phase=Phase.TRANSCRIPT,
        state=state,
        provenance=origin,
        counts={"words": 1},
        usage=(Usage(meter=Meter.AUDIO_SECONDS, quantity=Fraction(26), paid=True),),
        warnings=(HOSTILE,),
        language="en",
        language_confidence=0.98,
    )
    return Outcome(
        phase=Phase.TRANSCRIPT, state=state, result=result, provider="vendor", message="told so"
    )


def shown(metadata: dict[str, Any]) -> dict[str, Any]:
    return {n: v.value if isinstance(v, dg.MetadataValue) else v for n, v in metadata.items()}


def test_state_comes_first_and_the_hash_last(run: VideoRun, running: WorkUnit) -> None:
    told = shown(good_metadata(run, outcome(unit=running.id)))
    assert list(told) == [
        *(
            "state",
            "reason",
            "delivered as",
            "result",
            "language",
            "warnings",
            "usage",
            "provider",
            "took",
        ),
        *("plugin", "model", "job", "work unit", "to check now", "to cancel", "choice"),
    ]
    assert (told["result"], told["language"]) == ("1 word", "en (98%)")
    assert (told["usage"], told["took"]) == ("26 s of audio, paid", "0:00:00.250")
    assert told["choice"] == "cccccccccccc..."
    assert told["to check now"] == f"video-pipeline jobs fetch {running.id}"


def test_phase_without_provider_shows_state_and_reason(run: VideoRun) -> None:
    told = good_metadata(run, outcome(PhaseState.NOT_CONFIGURED))
    assert told == {"state": "not configured", "reason": "told so"}


def test_words_of_others_are_cells_of_text(run: VideoRun, stage: Opened) -> None:
    when = TimeRange(start=Fraction(26, 25), end=Fraction(2))
    word = Word(text=HOSTILE, range=when, speaker=HOSTILE, confidence=0.5)
    spoken = Segment(text=HOSTILE, range=when, words=(word,))
    done = outcome()
    assert done.result
    stage.services.of("acme").results.publish("talk", done.result, [spoken])
    told = good_metadata(run, done)
    text = printable(HOSTILE)
    assert [row.data for row in told["preview"].records] == [
        {
            "word": text,
            "start": "0:00:01.040",
            "end": "0:00:02.000",
            "speaker": text,
            "confidence": 0.5,
        }
    ]
    assert [row.data for row in told["warnings"].records] == [{"warning": text}]
    assert not [one for one in told.values() if isinstance(one, dg.MarkdownMetadataValue)]


def test_phase_that_did_not_come_tells_why_first(run: VideoRun, running: WorkUnit) -> None:
    parked = Outcome(
        phase=Phase.TRANSCRIPT,
        state=PhaseState.PARKED,
        provider="vendor",
        message=HOSTILE,
        job="7",
        unit=running.id,
        considered=(Verdict(provider="other", kept=False, reason=HOSTILE),),
    )
    told = other_metadata(run, parked, {})
    assert list(told) == [
        *(
            "state",
            "reason",
            "delivered as",
            "since",
            "looked up by",
            "planned",
            "work unit",
            "to check now",
        ),
        *("to cancel", "account", "job", "providers passed over", "provider"),
    ]
    assert told["reason"] == printable(HOSTILE)
    (row,) = told["providers passed over"].records
    assert row.data == {"provider": "other", "reason": printable(HOSTILE)}
