"""What a result contradicts in its media: the kinds of finding, and what follows from each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from video_pipeline.domain.phases import Phase
from video_pipeline.domain.time import TimeRange, clock
from video_pipeline.domain.values import Frozen


class FindingKind(StrEnum):
    """How a result contradicts its media, or what was asked for."""

    EMPTY_OVER_SPEECH = "empty-over-speech"
    WORDS_WITHOUT_SPEECH = "words-without-speech"
    SPEECH_WITHOUT_WORDS = "speech-without-words"
    LOOP = "loop"
    STRETCHED_WORD = "stretched-word"
    NO_WORD_TIMES = "no-word-times"
    NO_SPEAKERS = "no-speakers"
    UNSURE_LANGUAGE = "unsure-language"
    DRIFT = "drift"
    TIMES_OUTSIDE = "times-outside"
    OUT_OF_ORDER = "out-of-order"
    BOX_OUTSIDE = "box-outside"
    ONE_SHOT_OVER_CUTS = "one-shot-over-cuts"
    MISSED_CUTS = "missed-cuts"
    SHOTS_WITHOUT_CHANGE = "shots-without-change"
    SHOTS_APART = "shots-apart"


class FindingPolicy(StrEnum):
    """What follows from a finding. The order is from mild to strict."""

    WARN = "warn"
    """Publish the result with a warning."""
    NEXT = "next"
    """Do not publish it: ask the next provider. Without one, the phase fails."""
    FAIL = "fail"
    """Do not publish it, and ask nobody else."""


Needed = Literal["pictures", "sound"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What is declared of one kind of finding."""

    phases: tuple[Phase, ...]
    needs: Needed | None
    """The signals without which it cannot be found: those of a local decode."""
    policy: FindingPolicy
    remedy: str


_TRANSCRIPT, _SHOTS = (Phase.TRANSCRIPT,), (Phase.SHOTS,)
_BOXES = (Phase.OBJECTS, Phase.EVENTS)
_WARN, _NEXT, _ = FindingPolicy
_K = FindingKind
_Row = tuple[tuple[Phase, ...], Needed | None, FindingPolicy, str]
# Phases, the signals it needs, what follows unless pipeline.yaml says otherwise, the remedy. Only
# what is certainly an empty success is not published by default.
_ROWS: dict[FindingKind, _Row] = {
    _K.EMPTY_OVER_SPEECH: (_TRANSCRIPT, "sound", _NEXT,
        "Set the phase's `language`, or choose another provider."),
    _K.WORDS_WITHOUT_SPEECH: (_TRANSCRIPT, "sound", _WARN,
        "Listen there: the words may be invented. A voice filter of the provider avoids them."),
    _K.SPEECH_WITHOUT_WORDS: (_TRANSCRIPT, "sound", _WARN,
        "Listen there: if words are missing, choose another provider or model."),
    _K.LOOP: (_TRANSCRIPT, None, _WARN,
        "Choose another provider or model: it repeats itself instead of transcribing."),
    _K.STRETCHED_WORD: (_TRANSCRIPT, None, _WARN,
        "Do not trust the times there: words may be missing, or invented over a pause."),
    _K.NO_WORD_TIMES: (_TRANSCRIPT, None, _WARN,
        "Check the provider's options: captions are cut by segments without them."),
    _K.NO_SPEAKERS: (_TRANSCRIPT, None, _WARN,
        "Check the provider's options, and its limits for speakers."),
    _K.UNSURE_LANGUAGE: (_TRANSCRIPT, None, _WARN,
        "Set `language` of the phase `transcript` if you know it."),
    _K.DRIFT: (_TRANSCRIPT, "sound", _WARN,
        "Do not trust the times: the provider may have read another rate or a cut file."),
    _K.TIMES_OUTSIDE: (_TRANSCRIPT, None, _WARN,
        "Report it to the plugin's author. What reaches beyond the video is cut off."),
    _K.OUT_OF_ORDER: (_TRANSCRIPT, None, _WARN,
        "Report it to the plugin's author. The words keep the order of their text."),
    _K.BOX_OUTSIDE: (_BOXES, None, _WARN,
        "Report it to the plugin's author. The boxes are cut off at the frame."),
    _K.ONE_SHOT_OVER_CUTS: (_SHOTS, "pictures", _NEXT,
        "Lower the provider's threshold, or choose another provider."),
    _K.MISSED_CUTS: (_SHOTS, "pictures", _WARN,
        "Look there: lower the provider's threshold if shots are missing."),
    _K.SHOTS_WITHOUT_CHANGE: (_SHOTS, "pictures", _WARN,
        "Look there: raise the provider's threshold if nothing changes."),
    _K.SHOTS_APART: (_SHOTS, None, _WARN,
        "Lower the provider's least confidence if it leaves shots out."),
}  # fmt: skip
RULES: Mapping[FindingKind, Rule] = {kind: Rule(*row) for kind, row in _ROWS.items()}


class Finding(Frozen):
    """One contradiction: what it is, and where if it has a place."""

    kind: FindingKind
    what: str
    range: TimeRange | None = None

    @property
    def remedy(self) -> str:
        """Return what a person can do."""
        return RULES[self.kind].remedy

    def __str__(self) -> str:
        at = f" at {clock(self.range.start)} to {clock(self.range.end)}" if self.range else ""
        return f"{self.kind}{at}: {self.what}. {self.remedy}"


def kinds_of(phase: Phase) -> tuple[FindingKind, ...]:
    """Return the kinds that are looked for in a phase's result."""
    return tuple(kind for kind, rule in RULES.items() if phase in rule.phases)


def strictest(
    findings: Iterable[Finding], policies: Mapping[FindingKind, FindingPolicy]
) -> tuple[FindingPolicy, list[Finding]]:
    """Return the strictest policy among some findings, and the findings that it holds for."""
    found = [(policies.get(one.kind, RULES[one.kind].policy), one) for one in findings]
    order = list(FindingPolicy)
    strict = max((policy for policy, _ in found), key=order.index, default=FindingPolicy.WARN)
    return strict, [one for policy, one in found if policy is strict]
