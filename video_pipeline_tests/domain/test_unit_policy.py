"""The policy predicts what becomes of a unit in every recorded situation, row by row."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from video_pipeline.domain import unit_policy
from video_pipeline.domain.errors import (
    AnswerLost,
    FailureCategory,
    InDoubt,
    InputError,
    PipelineError,
    ProviderError,
    StorageError,
)
from video_pipeline.domain.unit_policy import (
    CATEGORIES,
    CLOSE_RULES,
    FOUND_RULES,
    JOB_RULES,
    REQUEST_RULES,
    Answer,
    FetchStep,
    Found,
    JobStep,
    Replay,
    Step,
    after_fetch,
    after_poll,
    after_request,
    answer_of,
    closed,
    falls_back,
    may_pass,
    on_finding,
)
from video_pipeline.domain.work import Stage, UnitState
from video_pipeline_tests.unit_life.situations import now_of, rows

Facts = dict[str, Any]
ROWS = rows()
SILENT = ("no answer", "denied")


def predicted(when: Facts) -> Facts:
    """Return what the policy says becomes of the unit."""
    return {
        "request fails": _request,
        "job is polled": _poll,
        "result cannot be fetched": _fetch,
        "found": _found,
        "renewed": _renewed,
        "cancelled": _cancel,
    }[when["event"]](when)


def _request(when: Facts) -> Facts:
    category, replay = FailureCategory(when["category"]), when["replay"]
    in_run, open_ = when["by"] == "run", when["before"] in ("submitting", "unanswered")
    if open_ and on_finding(Stage.SENT, replay, stored=False) is Found.HOLD:
        return {"state": "in_doubt" if in_run else "returned"}
    asked = 0
    for last in (False, True):
        asked += 1
        answer = answer_of(category, replay, accepted=when["accepted"], maybe_accepted=open_)
        step = after_request(
            answer,
            replay,
            category,
            by=when["by"],
            may_defer=when.get("runs as") != "call",
            last=last,
            exhausted=when["refused before"] == 9,
        )
        open_ = open_ or answer is Answer.UNKNOWN
        if step is not Step.RETRY:
            break
    sent = answer is Answer.UNKNOWN
    return {"asked": asked} | {
        Step.DEFER: {
            "state": "unanswered" if sent else "queued",
            "refused": when["refused before"] + 1,
        },
        Step.WAKE: {"state": "returned" if sent else "admitted"},
        Step.LEAVE: {"state": "submitting", "phase": "failed"},
        Step.HOLD: {"state": "in_doubt", "phase": "failed", "billed": True},
        Step.FAIL: {"state": "failed", "next provider": CATEGORIES[category].next_provider},
    }[step]


def _poll(when: Facts) -> Facts:
    reported = when["status"].partition(":")[0]
    state = None if reported == "unknown" else reported
    late = when["late"]
    step = JobStep.WAIT if reported in SILENT else after_poll(state, overdue=late)
    if when["by"] == "sweep":
        return {"state": "running" if step is JobStep.WAIT else "ended"}
    return _after_job(step)


def _after_job(step: JobStep) -> Facts:
    return {
        JobStep.WAIT: {"state": "running"},
        JobStep.FETCH: {"state": "settled", "billed": True},
        JobStep.FAIL: {"state": "failed", "billed": False},
        JobStep.LOSE: {"state": "failed", "billed": True},
        JobStep.STOP: {"state": "failed", "billed": True},
    }[step]


def _error(name: str) -> PipelineError:
    if name == "our store":
        return StorageError("full", remedy="Look.")
    return ProviderError("no", category=FailureCategory(name), remedy="Look.")


def _fetch(when: Facts) -> Facts:
    step = after_fetch(_error(when["error"]), too_late=when["three days late"])
    before = when["unfetched before"]
    return {
        FetchStep.LATER: {"state": "unfetched", "unfetched": before + 1},
        FetchStep.RAISE: {"state": "unfetched" if before else "running", "unfetched": before},
        FetchStep.LOSE: {"state": "failed", "billed": True, "failure": when["error"]},
        FetchStep.GIVE_UP: {"state": "failed", "billed": True, "failure": "result_expired"},
    }[step]


def _found(when: Facts) -> Facts:
    stage, replay = UnitState(when["before"]).stage, when["replay"]
    if when["late"] and replay == "deduplicated" and stage is Stage.SENT:
        replay = "unsafe"  # its token has expired
    if when["by"] == "sweep":
        # No run waits, so the sweep repeats the request only before its token has expired.
        repeats = not when["late"] and on_finding(stage, replay, stored=False) is Found.REPEAT
        return {"state": "running" if repeats else when["before"]}
    found = on_finding(stage, replay, stored=False, in_doubt=when["policy"])
    generation = {"generation": 1} if found is Found.RENEW else {}
    return {"state": "in_doubt" if found is Found.HOLD else "running", **generation}


def _renewed(when: Facts) -> Facts:
    """A unit in doubt was replaced by a new one, of which no earlier request is known."""
    found = on_finding(UnitState(when["before"]).stage, "unsafe", stored=False, in_doubt="retry")
    assert found is Found.RENEW
    new = {"before": "new", "replay": "unsafe", "accepted": False, "refused before": 0}
    return {"generation": 1, **_request(when | new)}


def _cancel(when: Facts) -> Facts:
    if when["before"] == "in_doubt":
        return {"state": "in_doubt"}
    if when["before"] != "running":
        return {"state": str(closed(UnitState(when["before"]).stage, when["replay"]))}
    late, stops, reported = when["three days late"], when["stops"], when["status"].partition(":")[0]
    step = JobStep.WAIT if reported in SILENT else None
    if step is None:
        step = after_poll(None if reported == "unknown" else reported, overdue=late)
    if step is JobStep.FETCH and when["fetch"] != "good":
        fetched = after_fetch(_error(when["fetch"]), too_late=late)
        lost = fetched in (FetchStep.LOSE, FetchStep.GIVE_UP)
        return {"state": "failed" if lost else "running", "billed": lost}
    stoppable = step in (JobStep.WAIT, JobStep.STOP) and reported not in SILENT
    return {"state": "cancelled", "billed": True} if stoppable and stops else _after_job(step)


def misses() -> Iterator[tuple[Facts, Facts, Facts]]:
    """Yield the rows of which the policy says something else."""
    for row in ROWS:
        then, said = now_of(row), predicted(row["when"])
        if any(then.get(name, False) != fact for name, fact in said.items()):
            yield row["when"], said, then


def test_policy_predicts_every_situation() -> None:
    assert list(misses()) == []
    assert len(ROWS) > 900


def test_changed_rows_say_why() -> None:
    assert all(row["now"] != row["today"] and len(row["why"]) > 20 for row in ROWS if "now" in row)


# A last try is reached only after a retry.
COLUMNS = [
    pytest.param(rule, column, id=f"{column}: {rule.why[:40]}")
    for rule in REQUEST_RULES
    for column in ("in_run", "last_in_run", "in_sweep")
    if column != "last_in_run" or rule.in_run is Step.RETRY
]


@pytest.mark.parametrize(("rule", "column"), COLUMNS)
def test_flipped_request_rule_is_noticed(
    rule: Any, column: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = getattr(rule, column)
    flipped = replace(rule, **{column: Step.FAIL if now is not Step.FAIL else Step.LEAVE})
    rules = tuple(flipped if one is rule else one for one in REQUEST_RULES)
    monkeypatch.setattr(unit_policy, "REQUEST_RULES", rules)
    with pytest.raises((AssertionError, KeyError)):
        test_policy_predicts_every_situation()


FLIPS = [
    *((JOB_RULES, key, JobStep.WAIT, JobStep.FAIL) for key in JOB_RULES),
    # A running unit is not among the rows that are found: the rows of polls begin with it.
    *(
        (FOUND_RULES, key, Found.HOLD, Found.SUBMIT)
        for key in FOUND_RULES
        if key[0] is not Stage.ACCEPTED
    ),
    *((CLOSE_RULES, key, UnitState.IN_DOUBT, UnitState.CANCELLED) for key in CLOSE_RULES),
]


@pytest.mark.parametrize(("rules", "key", "one", "other"), FLIPS)
def test_flipped_rule_is_noticed(
    rules: dict[Any, Any], key: Any, one: Any, other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    then, why = rules[key]
    monkeypatch.setitem(rules, key, (one if then is not one else other, why))
    with pytest.raises((AssertionError, KeyError)):
        test_policy_predicts_every_situation()


@pytest.mark.parametrize("replay", ["free", "deduplicated", "unsafe"])
@pytest.mark.parametrize("category", FailureCategory)
def test_each_failed_request_has_one_rule(category: FailureCategory, replay: Replay) -> None:
    for accepted in (False, True):
        answer = answer_of(category, replay, accepted=accepted, maybe_accepted=False)
        nature = CATEGORIES[category].nature
        found = [
            rule
            for rule in REQUEST_RULES
            if rule.answer is answer and replay in rule.replay and nature in rule.nature
        ]
        assert len(found) == 1


def test_only_passing_trouble_is_retried() -> None:
    passing = {category for category in FailureCategory if unit_policy.is_passing(category)}
    assert passing == {"throttled", "concurrency", "transient"}


def test_only_what_a_person_decided_has_no_next_provider() -> None:
    last = {name for name, row in CATEGORIES.items() if not row.next_provider}
    assert last == {"cancelled", "withheld"}


def test_doubt_and_own_faults_have_no_next_provider() -> None:
    doubt = {"category": FailureCategory.TRANSIENT, "remedy": "Look."}
    assert not falls_back(InDoubt("lost", **doubt)) and not falls_back(AnswerLost("lost", **doubt))
    assert not falls_back(InputError("bad", remedy="Look."))


def test_failure_counts_where_the_same_request_may_succeed() -> None:
    doubt = {"category": FailureCategory.TRANSIENT, "remedy": "Look."}
    assert may_pass(AnswerLost("lost", **doubt)) and not may_pass(InDoubt("lost", **doubt))
    assert may_pass(ProviderError("busy", **doubt))
    assert not may_pass(StorageError("full", remedy="Look."))
