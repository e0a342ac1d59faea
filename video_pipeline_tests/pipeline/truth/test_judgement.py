"""The judgement of whole results, what is not looked for, and what policy makes of findings."""

import pytest

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.findings import Finding, FindingKind, FindingPolicy
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.domain.usage import Meter, MeterSpec
from video_pipeline.pipeline.policies import TruthPolicy
from video_pipeline.pipeline.truth.judgement import (
    NO_DETECTOR,
    NOT_DECODED,
    NOT_MEASURABLE,
    judge_markers,
    judge_transcript,
    refuse,
)
from video_pipeline.pipeline.truth.markers import MarkerWatch
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.inputs import Audio16k
from video_pipeline_tests.pipeline.truth.talking import said, segment, sound, span, talk

_HEARD = ("empty-over-speech", "words-without-speech", "speech-without-words", "drift")
_ASKED = Capabilities(
    fed=Audio16k(),
    replay="free",
    meter=MeterSpec(meter=Meter.AUDIO_SECONDS, paid=False),
    word_times=True,
)


def test_talk_and_its_sound_have_no_finding() -> None:
    transcript, heard = talk(3)
    judged = judge_transcript(transcript, span(0, 180), _ASKED, None, heard)
    assert (judged.findings, judged.not_checked) == ([], {})


_UNDECODED = {
    NOT_DECODED: None,
    NO_DETECTOR: sound([], 10).model_copy(update={"speech": None}),
}


@pytest.mark.parametrize("why", _UNDECODED)
def test_what_needs_no_sound_is_always_checked(why: str) -> None:
    looped = said(segment("again " * 20, 0, 0.3))
    judged = judge_transcript(looped, span(0, 10), _ASKED, None, _UNDECODED[why])
    assert [one.kind for one in judged.findings] == ["loop"]
    assert judged.not_checked == dict.fromkeys(_HEARD, why)


def test_short_speech_leaves_only_drift_unchecked() -> None:
    judged = judge_transcript(Transcript(), span(0, 60), _ASKED, None, sound([(1, 50)], 60))
    assert [one.kind for one in judged.findings] == ["empty-over-speech"]
    assert judged.not_checked == {"drift": NOT_MEASURABLE}


def test_shots_without_a_decode_are_not_compared() -> None:
    judged = judge_markers(Phase.SHOTS, MarkerWatch(), None)
    kinds = ("one-shot-over-cuts", "missed-cuts", "shots-without-change")
    assert judged.not_checked == dict.fromkeys(kinds, NOT_DECODED)
    assert judge_markers(Phase.OBJECTS, MarkerWatch(), None).not_checked == {}


def test_findings_are_warnings_of_the_result() -> None:
    looped = said(segment("again " * 20, 0, 0.3))
    judged = judge_transcript(looped, span(0, 10), _ASKED, None, None)
    before = PhaseResult(phase=Phase.TRANSCRIPT, state=PhaseState.DONE, warnings=("first",))
    result = judged.noted(before)
    assert result.warnings == ("first", str(judged.findings[0]))
    assert PhaseResult.model_validate_json(result.model_dump_json()) == result
    assert result.fingerprint == before.fingerprint
    assert "findings" not in before.model_dump() and "not_checked" not in before.model_dump()


_EMPTY, _LOOP = (
    Finding(kind=kind, what="wrong") for kind in (FindingKind.EMPTY_OVER_SPEECH, FindingKind.LOOP)
)
_NEXT, _FAIL = FailureCategory.IMPLAUSIBLE, FailureCategory.WITHHELD


@pytest.mark.parametrize(
    ("found", "checks", "category", "named"),
    [
        ([], {}, None, ""),
        ([_LOOP], {}, None, ""),
        ([_EMPTY], {}, _NEXT, "{empty-over-speech: warn}"),
        ([_EMPTY], {"empty-over-speech": "warn"}, None, ""),
        ([_LOOP], {"loop": "next"}, _NEXT, "{loop: warn}"),
        ([_EMPTY, _LOOP], {"loop": "fail"}, _FAIL, "{loop: warn}"),
        ([_EMPTY, _LOOP], {"loop": "next"}, _NEXT, "{empty-over-speech: warn, loop: warn}"),
    ],
)
def test_strictest_policy_decides(
    found: list[Finding], checks: dict[str, str], category: FailureCategory | None, named: str
) -> None:
    policy = TruthPolicy.model_validate({"checks": checks})
    if category is None:
        return refuse(found, policy, "acme", "cloud")
    with pytest.raises(ProviderError) as refused:
        refuse(found, policy, "acme", "cloud")
    assert refused.value.category is category
    assert f"set `checks: {named}` in pipeline.yaml" in str(refused.value)


def test_policy_of_a_project_goes_before() -> None:
    policy = TruthPolicy.model_validate(
        {"checks": {"loop": "fail", "drift": "next"}, "projects": {"acme": {"loop": "warn"}}}
    )
    assert policy.of("acme") == {"loop": FindingPolicy.WARN, "drift": FindingPolicy.NEXT}
    assert policy.of("globex")[FindingKind.LOOP] is FindingPolicy.FAIL
