"""What follows from a failure, a job's status or a state found: one table a question, all pure.

Runs, the sweep, cancellation and removal ask here. Each row has its reason. docs/work-units.md
shows the tables.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from video_pipeline.domain.errors import (
    AnswerLost,
    FailureCategory,
    InDoubt,
    PipelineError,
    ProviderError,
    SourceError,
)
from video_pipeline.domain.work import Stage, UnitState, WaitKind

# The effect of repeating a request: nothing is billed; the provider recognises the token
# and bills once; it may be billed again.
Replay = Literal["free", "deduplicated", "unsafe"]
_REPLAYS: tuple[Replay, ...] = ("free", "deduplicated", "unsafe")
_F = FailureCategory


# --- What a category means ---------------------------------------------------------------------


class Nature(StrEnum):
    """How long a refusal holds."""

    FULL = "full"
    PASSING = "passing"
    LASTING = "lasting"


@dataclass(frozen=True, slots=True)
class Category:
    """What a failure category means."""

    nature: Nature
    why: str
    of_the_request: bool = False
    """Whether the request is at fault, at any time and from any account."""
    result_lost: bool = False
    """Whether a result that could not be fetched for this reason is lost for good."""
    next_provider: bool = True
    """Whether the next provider of the order may serve the phase."""
    contradicts_media: bool = False
    """Whether a result is there, and is not published because it contradicts the media."""
    waits_for: WaitKind = WaitKind.PROVIDER
    """What a deferred unit waits for."""


CATEGORIES: dict[FailureCategory, Category] = {
    _F.THROTTLED: Category(Nature.PASSING, "too many requests at once", waits_for=WaitKind.ROOM),
    _F.CONCURRENCY: Category(
        Nature.FULL, "no further job fits until one has ended", waits_for=WaitKind.ROOM
    ),
    _F.TRANSIENT: Category(Nature.PASSING, "a fault of the network or of the service"),
    _F.AUTH: Category(Nature.LASTING, "a person must change a right or a key"),
    _F.FUNDS: Category(Nature.LASTING, "a person must pay, or raise a quota of money"),
    _F.INPUT_REJECTED: Category(
        Nature.LASTING, "the media is refused", of_the_request=True, result_lost=True
    ),
    _F.PROVIDER_FAILED: Category(Nature.LASTING, "the provider gives no other reason"),
    _F.RESULT_EXPIRED: Category(Nature.LASTING, "the provider has deleted it", result_lost=True),
    _F.MALFORMED_RESULT: Category(Nature.LASTING, "the same pages are as unreadable again"),
    _F.IMPLAUSIBLE: Category(
        Nature.LASTING, "the result contradicts the media", contradicts_media=True
    ),
    _F.WITHHELD: Category(
        Nature.LASTING,
        "the same, and by policy nobody else is asked",
        next_provider=False,
        contradicts_media=True,
    ),
    _F.UNSUPPORTED: Category(Nature.LASTING, "the request is not offered", of_the_request=True),
    _F.CANCELLED: Category(Nature.LASTING, "a person wanted it so", next_provider=False),
}


def is_passing(category: FailureCategory) -> bool:
    """Return whether the same request may succeed a little later."""
    return CATEGORIES[category].nature is not Nature.LASTING


def is_of_the_request(category: FailureCategory) -> bool:
    """Return whether the request is at fault, at any time and from any account."""
    return CATEGORIES[category].of_the_request


def is_full(category: FailureCategory) -> bool:
    """Return whether the provider has no room for a further job."""
    return CATEGORIES[category].nature is Nature.FULL


# --- A request that failed ---------------------------------------------------------------------


class Answer(StrEnum):
    """How far a failed request got."""

    REFUSED = "refused"
    """The provider has neither this request nor an earlier one of the unit."""
    UNKNOWN = "unknown"
    """This request, or an earlier one, may have been accepted and billed."""


class Step(StrEnum):
    """What is done with a unit whose request failed."""

    RETRY = "retry"
    """Make the request again in this run, after a pause."""
    DEFER = "defer"
    """Make it again later, without holding a run."""
    LEAVE = "leave open"
    """End the phase as failed; the next run repeats the request with its token."""
    HOLD = "hold in doubt"
    """A person must look whether the provider has it."""
    FAIL = "fail"
    """End the unit; a later run makes a new request."""
    WAKE = "wake a run"
    """Let the waiting run take over; it reports the error."""


@dataclass(frozen=True, slots=True)
class RequestRule:
    """What follows from a failed request of one kind."""

    answer: Answer
    replay: frozenset[Replay]
    nature: frozenset[Nature]
    in_run: Step
    last_in_run: Step
    in_sweep: Step
    why: str


_ANY, _FULL = frozenset(_REPLAYS), frozenset({Nature.FULL})
_PASSING, _LASTING = frozenset({Nature.PASSING}), frozenset({Nature.LASTING})
_UNSAFE: frozenset[Replay] = frozenset({"unsafe"})
_DEDUPLICATED: frozenset[Replay] = frozenset({"deduplicated"})
_RETRY, _DEFER, _LEAVE, _HOLD, _FAIL, _WAKE = Step
# Answer, replay, nature: in a run, at its last try, in the sweep, why.
REQUEST_RULES = tuple(RequestRule(*row) for row in (
    (Answer.REFUSED, _ANY, _FULL, _DEFER, _DEFER, _DEFER,
     "a run cannot wait until another job has ended"),
    (Answer.REFUSED, _ANY, _PASSING, _RETRY, _FAIL, _DEFER,
     "the provider takes it a little later; a run then tries the next provider"),
    (Answer.REFUSED, _ANY, _LASTING, _FAIL, _FAIL, _WAKE,
     "the same request fails again"),
    (Answer.UNKNOWN, _UNSAFE, _FULL | _PASSING | _LASTING, _HOLD, _HOLD, _WAKE,
     "a repeated request may be billed again; its run holds it in doubt, and says so"),
    (Answer.UNKNOWN, _DEDUPLICATED, _FULL | _PASSING, _RETRY, _LEAVE, _DEFER,
     "the provider recognises the token, and bills once"),
    (Answer.UNKNOWN, _DEDUPLICATED, _LASTING, _LEAVE, _LEAVE, _WAKE,
     "this answer says nothing of the earlier request"),
))  # fmt: skip


def answer_of(
    category: FailureCategory, replay: Replay, *, accepted: bool, maybe_accepted: bool
) -> Answer:
    """Return how far a failed request got.

    `accepted` is False if the provider refused this request. `maybe_accepted` tells of an earlier
    one whose answer was lost. A refusal of the request's content covers both; any other says
    nothing about the earlier one. What is free to repeat counts as refused.
    """
    if replay == "free":
        return Answer.REFUSED
    covered = not maybe_accepted or is_of_the_request(category)
    return Answer.REFUSED if not accepted and covered else Answer.UNKNOWN


def after_request(
    answer: Answer,
    replay: Replay,
    category: FailureCategory,
    *,
    by: Literal["run", "sweep"],
    may_defer: bool = True,
    last: bool = False,
    exhausted: bool = False,
) -> Step:
    """Return what follows from a failed request.

    `last` means that this run has no try left. `exhausted` means that the unit was deferred too
    often while others were served. Only jobs may be deferred (`may_defer`).
    """
    nature = CATEGORIES[category].nature
    if nature is Nature.FULL and not may_defer:
        nature = Nature.PASSING
    rule = _first(answer, replay, nature)
    if by == "sweep":
        step = rule.in_sweep
        return Step.WAKE if step is Step.DEFER and exhausted else step
    step = rule.last_in_run if last else rule.in_run
    return Step.FAIL if step is Step.DEFER and exhausted else step


def _first(answer: Answer, replay: Replay, nature: Nature) -> RequestRule:
    return next(
        rule
        for rule in REQUEST_RULES
        if rule.answer is answer and replay in rule.replay and nature in rule.nature
    )


def is_unsafe_outage(answer: Answer, replay: Replay, error: ProviderError) -> bool:
    """Return whether the pool is paused, as its next request would be in doubt too."""
    return answer is Answer.UNKNOWN and replay == "unsafe" and is_passing(error.category)


# --- How long to wait --------------------------------------------------------------------------


def pause_of(
    refusals: int, *, first: float, longest: float, jitter: float, wish: float | None = None
) -> float:
    """Return the seconds until a request that was refused is made again.

    The pause doubles with each earlier refusal in a row. `wish` is the Retry-After of the provider,
    which goes before. `jitter` is in [0, 1): it takes off up to half of the pause, or adds up to a
    tenth of the wish. At most `longest`.
    """
    if wish is not None:
        return min(wish * (1 + jitter / 10), longest)
    # A power of more than 2**60 would not fit a float; no pause is that long.
    return min(first * 2 ** min(refusals, 60), longest) * (0.5 + jitter / 2)


# --- A job that was polled ---------------------------------------------------------------------


class JobStep(StrEnum):
    """What is done with a unit whose job was polled."""

    WAIT = "wait"
    FETCH = "fetch"
    FAIL = "fail, not billed"
    """The job failed: it bills nothing."""
    LOSE = "fail, billed"
    """No result can come any more; the planned usage counts."""
    STOP = "stop, then fail, billed"
    """The job has passed its deadline."""


# By the state that the provider reports; None: it does not know the job.
JOB_RULES: dict[tuple[str | None, bool], tuple[JobStep, str]] = {
    ("running", False): (JobStep.WAIT, "it is at work"),
    ("running", True): (JobStep.STOP, "the provider forgets results and tokens soon after"),
    ("succeeded", False): (JobStep.FETCH, "its result is there"),
    ("succeeded", True): (JobStep.FETCH, "a late result is paid all the same"),
    ("failed", False): (JobStep.FAIL, "failed jobs bill nothing"),
    ("failed", True): (JobStep.FAIL, "failed jobs bill nothing"),
    (None, False): (JobStep.LOSE, "it was billed, and is forgotten"),
    (None, True): (JobStep.LOSE, "it was billed, and is forgotten"),
}


def after_poll(state: str | None, *, overdue: bool) -> JobStep:
    """Return what follows from a job's status; without any answer, wait."""
    return JOB_RULES[state, overdue][0]


# --- A result that could not be fetched --------------------------------------------------------


class FetchStep(StrEnum):
    """What is done with a unit whose result could not be fetched."""

    LATER = "try again later"
    LOSE = "fail, billed"
    """The job succeeded, so it is billed; its result is gone."""
    GIVE_UP = "give up, billed"
    """The same, as it could not be fetched for days."""
    RAISE = "raise"
    """The fault is ours: the unit stays as it is."""


def after_fetch(error: PipelineError, *, too_late: bool) -> FetchStep:
    """Return what follows. `too_late` is days after the job's deadline."""
    if not isinstance(error, ProviderError):
        return FetchStep.RAISE
    if CATEGORIES[error.category].result_lost:
        return FetchStep.LOSE
    return FetchStep.GIVE_UP if too_late else FetchStep.LATER


# --- A unit found as a dead process left it ----------------------------------------------------


class Found(StrEnum):
    """What is done with a unit in the state in which it was found."""

    SUBMIT = "submit"
    REPEAT = "submit again, with the same token"
    HOLD = "hold in doubt"
    RENEW = "fail, and open a new generation"
    POLL = "poll"
    READ = "read its stored pages"


_G = Stage
FOUND_RULES: dict[tuple[Stage, Replay], tuple[Found, str]] = {
    **{(_G.UNSENT, r): (Found.SUBMIT, "no request was made") for r in _REPLAYS},
    (_G.SENT, "free"): (Found.REPEAT, "a repeated request costs nothing"),
    (_G.SENT, "deduplicated"): (Found.REPEAT, "its token is recognised"),
    (_G.SENT, "unsafe"): (Found.HOLD, "a repeated request may be billed again"),
    **{(_G.ACCEPTED, r): (Found.POLL, "the provider knows its job") for r in _REPLAYS},
    **{(_G.DOUBTED, r): (Found.HOLD, "it may have been billed") for r in _REPLAYS},
}


def on_finding(
    stage: Stage, replay: Replay, *, stored: bool, in_doubt: Literal["hold", "retry"] = "hold"
) -> Found:
    """Return how a run goes on with a unit. Raises KeyError if it is over.

    `stored` means that all raw pages are there. `in_doubt` is what pipeline.yaml says of units
    that may be billed.
    """
    if stored:
        return Found.READ
    found = FOUND_RULES[stage, replay][0]
    return Found.RENEW if found is Found.HOLD and in_doubt == "retry" else found


# --- A unit that no run needs, and whose request has no known job ------------------------------

CLOSE_RULES: dict[tuple[Stage, Replay], tuple[UnitState, str]] = {
    **{(_G.UNSENT, r): (UnitState.CANCELLED, "no request was made") for r in _REPLAYS},
    (_G.SENT, "free"): (UnitState.CANCELLED, "whether it was made does not matter"),
    (_G.SENT, "deduplicated"): (
        UnitState.IN_DOUBT,
        "asking whether it was made would make it",
    ),
    (_G.SENT, "unsafe"): (UnitState.IN_DOUBT, "nobody can tell whether it was made"),
}


def closed(stage: Stage, replay: Replay) -> UnitState:
    """Return the state of such a unit after it is closed."""
    return CLOSE_RULES[stage, replay][0]


# --- The phase of a unit that failed -----------------------------------------------------------


def falls_back(error: PipelineError) -> bool:
    """Return whether the next provider of the order may serve the phase."""
    if not isinstance(error, ProviderError) or isinstance(error, InDoubt):
        return False
    return CATEGORIES[error.category].next_provider


def may_pass(error: PipelineError) -> bool:
    """Return whether the same request may succeed in a later run without any change."""
    if isinstance(error, InDoubt):
        return isinstance(error, AnswerLost)  # else a person must look whether it was accepted
    return isinstance(error, ProviderError) and is_passing(error.category)


def is_final(errors: Iterable[PipelineError]) -> bool:
    """Return whether publishing the same pages again would fail again."""
    return all(isinstance(error, ProviderError | SourceError) for error in errors)
