"""The words for what a work unit waits for, what happens to it next, and what acts on it."""

from datetime import timedelta

from video_pipeline.domain.work import Stage, UnitState, Wait, WaitKind, WorkUnit


def reason_of(unit: WorkUnit) -> str:
    """Return why a unit is in its state, or what happens next. Empty if a run works on it."""
    if unit.failure:
        return unit.failure.message
    if unit.unwanted:
        return "orphaned: no run needs it; usage is still recorded"
    if unit.state.stage is Stage.DOUBTED:
        return "may have been billed: check at the provider, then run `jobs release`"
    if unit.wait is not None:
        return _words(unit, unit.wait)
    return _NEXT.get(unit.state, "")


_NEXT = {
    UnitState.ADMITTED: "admitted; a run submits it",
    UnitState.UNANSWERED: "the sweep makes its request",
    UnitState.RETURNED: "a run repeats its request, or reports why it cannot",
    UnitState.ENDED: "the job has ended; a run fetches the result",
}


# What a person may do about a unit, with the command, by how far its request got.
_ACTIONS = {
    Stage.UNSENT: {"to cancel": "cancel"},
    Stage.SENT: {"to cancel": "cancel"},
    Stage.ACCEPTED: {"to check now": "fetch", "to cancel": "cancel"},
    Stage.DOUBTED: {"to give up": "release"},
    Stage.OVER: {"to repeat": "retry"},
}
# Of a settled unit, by whether it had a job: the pages of a job are fetched once more for nothing,
# and what ran here can only run again.
_SETTLED = {
    (UnitState.SETTLED, True): {"to fetch again": "fetch"},
    (UnitState.SETTLED, False): {"to make again": "force"},
}


def commands_for(unit: WorkUnit) -> dict[str, str]:
    """Return what a person may do about a unit, with the command."""
    actions = _SETTLED.get((unit.state, bool(unit.job)), _ACTIONS[unit.state.stage])
    return {what: f"video-pipeline jobs {name} {unit.id}" for what, name in actions.items()}


def _words(unit: WorkUnit, wait: Wait) -> str:
    limit = "" if wait.limit is None else f"{wait.limit:g}"
    tries = f" (tried {unit.refusals} times)" if unit.refusals > 1 else ""
    match wait.kind:
        case WaitKind.SLOT if not limit:
            return f"waits for its turn at {wait.scope}"
        case WaitKind.SLOT:
            place = f": {wait.detail}" if wait.detail else ""
            return f"waits for one of {limit} slots of {wait.scope}{place}"
        case WaitKind.MINUTES:
            day = f"{wait.until - timedelta(days=1):%Y-%m-%d}" if wait.until else "a day"
            return (
                f"{wait.scope} has used up its {limit} paid minutes of {day}, or too few are left; "
                f"it goes on at 00:00 UTC or when {wait.detail} is raised"
            )
        case WaitKind.LIMIT:
            return (
                f"it needs more paid minutes than the {limit} that {wait.scope} may use in a whole "
                f"day; it goes on only when {wait.detail} is raised"
            )
        case WaitKind.ROOM:
            return f"waits until {wait.scope} has room again: {wait.detail}{tries}"
        case WaitKind.PROVIDER:
            return f"waits until {wait.scope} answers again: {wait.detail}{tries}"
        case WaitKind.JOB:
            note = f"; {wait.detail}" if wait.detail else ""
            return f"job {unit.job} is running at {unit.request.provider}{note}"
        case WaitKind.RESULT:
            return (
                f"the result of job {unit.job} could not be fetched: {wait.detail} It is retried "
                f"automatically, at growing intervals; `video-pipeline jobs fetch {unit.id}` "
                "retries now."
            )
