"""The judgement of one result: its findings, and the kinds that could not be looked for."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.findings import (
    RULES,
    Finding,
    FindingKind,
    FindingPolicy,
    Needed,
    kinds_of,
    strictest,
)
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.domain.time import TimeRange
from video_pipeline.pipeline.policies import TruthPolicy
from video_pipeline.pipeline.truth import drift
from video_pipeline.pipeline.truth.hearing import heard
from video_pipeline.pipeline.truth.markers import MarkerWatch
from video_pipeline.pipeline.truth.words import Spoken, ignored_options, own_faults
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.signals import PictureSignals, SoundSignals

NOT_DECODED = "no local decode"
NO_DETECTOR = "no detector of speech is installed"
NOT_MEASURABLE = "not measurable: it takes two minutes of speech with pauses"


@dataclass(slots=True)
class Judgement:
    """What was found, and which kinds were not looked for, with the reason."""

    findings: list[Finding] = field(default_factory=list[Finding])
    not_checked: dict[FindingKind, str] = field(default_factory=dict[FindingKind, str])

    def noted(self, result: PhaseResult) -> PhaseResult:
        """Return the result with the findings, also as warnings."""
        return result.model_copy(
            update={
                "findings": tuple(self.findings),
                "not_checked": self.not_checked,
                "warnings": (*result.warnings, *map(str, self.findings)),
            }
        )

    def lacks(self, phase: Phase, needed: Needed, why: str) -> None:
        """Note that the kinds which need these signals are not looked for."""
        lacking = [kind for kind in kinds_of(phase) if RULES[kind].needs == needed]
        self.not_checked |= dict.fromkeys(lacking, why)


def judge_transcript(
    transcript: Transcript,
    extent: TimeRange,
    asked: Capabilities,
    language: str | None,
    sound: SoundSignals | None,
) -> Judgement:
    """Judge a transcript. `asked` is what the plugin's options ask for, as capabilities.

    `language` is the one that was requested, None if it was detected.
    """
    judged = Judgement(list(own_faults(transcript, extent)))
    judged.findings += ignored_options(
        transcript, word_times=asked.word_times, speakers=asked.speakers, language=language
    )
    if sound is None or sound.speech is None:
        judged.lacks(Phase.TRANSCRIPT, "sound", NO_DETECTOR if sound else NOT_DECODED)
        return judged
    spoken = Spoken.of(transcript)
    judged.findings += heard(spoken, sound.speech)
    found = drift.measured(spoken, sound)
    if found is None:
        judged.not_checked[FindingKind.DRIFT] = NOT_MEASURABLE
    elif moved := drift.finding(found):
        judged.findings.append(moved)
    return judged


def judge_markers(phase: Phase, watch: MarkerWatch, pictures: PictureSignals | None) -> Judgement:
    """Judge the markers that were watched."""
    judged = Judgement(list(watch.boxes()))
    if phase is Phase.SHOTS:
        judged.findings += watch.shots(pictures)
        if pictures is None:
            judged.lacks(phase, "pictures", NOT_DECODED)
    return judged


def refuse(findings: Iterable[Finding], policy: TruthPolicy, project: str, provider: str) -> None:
    """Raise ProviderError if by policy a result with these findings is not published."""
    strict, decisive = strictest(findings, policy.of(project))
    if strict is FindingPolicy.WARN:
        return
    kinds = dict.fromkeys(one.kind for one in decisive)
    accepted = ", ".join(f"{kind}: warn" for kind in kinds)
    goes_on = strict is FindingPolicy.NEXT
    raise ProviderError(
        f"the result contradicts the media: {decisive[0]}".rstrip("."),
        category=FailureCategory.IMPLAUSIBLE if goes_on else FailureCategory.WITHHELD,
        where=provider,
        remedy=f"To publish it all the same, set `checks: {{{accepted}}}` in pipeline.yaml and run "
        "the phase again: its stored pages are read, without a new request.",
    )
