"""The providers of one project: its order, the overrides of a run, and their choices."""

from dataclasses import replace

from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.pipeline.selection.choice import ProjectProviders
from video_pipeline.pipeline.services import Services

COMMON = {
    Phase.SHOTS: PhaseChoice(providers=("with-token", "gone")),
    Phase.TRANSCRIPT: PhaseChoice(providers=("speech",), optional=True),
}
OWN = {Phase.TRANSCRIPT: PhaseChoice(providers=("speech",), language="de")}


def providers(services: Services, project: str) -> ProjectProviders:
    return ProjectProviders(
        project, Choices(phases=COMMON, projects={"globex": OWN}), services.plugins
    )


def test_override_replaces_the_order_of_its_phase_only(services: Services) -> None:
    acme = providers(services, "acme")
    run = replace(acme, overrides={Phase.SHOTS: ("without-token",)})
    assert acme.order(Phase.SHOTS) == ("with-token", "gone")
    assert run.order(Phase.SHOTS) == ("without-token",)
    assert run.order(Phase.TRANSCRIPT) == ("speech",)


def test_provider_without_plugin_has_no_choice(services: Services) -> None:
    acme = providers(services, "acme")
    assert acme.choice("with-token", Phase.SHOTS) is not None
    assert acme.choice("gone", Phase.SHOTS) is None


def test_project_with_its_own_language_has_another_choice(services: Services) -> None:
    acme, globex = providers(services, "acme"), providers(services, "globex")
    assert (acme.language, globex.language) == (None, "de")
    assert acme.is_optional(Phase.TRANSCRIPT) and not globex.is_optional(Phase.TRANSCRIPT)
    assert acme.choice("speech", Phase.TRANSCRIPT) != globex.choice("speech", Phase.TRANSCRIPT)
    assert acme.choice("with-token", Phase.SHOTS) == globex.choice("with-token", Phase.SHOTS)
