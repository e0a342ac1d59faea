"""The table of kinds of finding."""

import re

import pytest

from video_pipeline.domain.phases import PHASES, PLAUSIBLE, SERVED
from video_pipeline.domain.results.findings import RULES, Finding, FindingKind, kinds_of


@pytest.mark.parametrize("kind", FindingKind)
def test_every_kind_has_a_rule(kind: FindingKind) -> None:
    rule = RULES[kind]
    assert set(rule.phases) <= set(SERVED)
    sentences = re.split(r"[.:] ", rule.remedy)
    assert rule.remedy.endswith(".") and all(len(one.split()) <= 20 for one in sentences)
    assert all(kind in kinds_of(phase) for phase in rule.phases)


def test_only_an_empty_success_is_not_published_by_default() -> None:
    strict = {kind for kind, rule in RULES.items() if rule.policy != "warn"}
    assert strict == {"empty-over-speech", "one-shot-over-cuts"}


def test_finding_without_a_place() -> None:
    text = str(Finding(kind=FindingKind.NO_SPEAKERS, what="speakers were asked for"))
    assert text.startswith("no-speakers: speakers were asked for. Check the provider's options")


def test_served_phases_have_the_check() -> None:
    checked = {phase for phase, spec in PHASES.items() if PLAUSIBLE in spec.checks}
    assert checked == set(SERVED)
