"""Plugins are found by name, and every way not to find one names its remedy."""

import sys
from collections.abc import Callable

import pytest

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.plugins import registry
from video_pipeline.providers.local.shots.pyscenedetect import PySceneDetectPlugin

Install = Callable[..., None]

STRANGER = """
from typing import ClassVar
from pydantic import Field
from video_pipeline.plugins.base import Calls, PluginOptions
from video_pipeline.plugins.temporal import BaseTemporalPlugin

class Options(PluginOptions):
    sharpness: int = Field(default=1, ge=0)

class Stranger(Calls, BaseTemporalPlugin):
    Options = Options
    name = "stranger"
    def capabilities(self): ...
    def call(self, unit, inputs, progress): ...
    def normalise(self, request, media, pages): ...

class Needy(Stranger):
    libraries = ("no_such_library",)

class Helped(Needy):
    install = "pip install stranger[all]"

class Still(BaseTemporalPlugin):
    def capabilities(self): ...
    def normalise(self, request, media, pages): ...
"""


def test_shipped_plugins_are_entry_points_too() -> None:
    assert "pyscenedetect" in registry.names(registry.TEMPORAL)
    assert "faster-whisper" in registry.names(registry.TRANSCRIPTION)
    assert registry.load("pyscenedetect") is PySceneDetectPlugin


def test_listing_imports_nothing(install: Install) -> None:
    install("listed_only", "raise RuntimeError('imported')", temporal="listed=Any")
    assert "listed" in registry.names(registry.TEMPORAL)
    assert "listed_only" not in sys.modules


def test_external_plugin_is_created_with_its_options(install: Install) -> None:
    install("stranger_a", STRANGER, temporal="stranger=Stranger")
    plugin = registry.create("stranger", {"sharpness": 3})
    assert plugin.options.sharpness == 3
    assert registry.create("stranger", {}).options.sharpness == 1


def test_misspelt_plugin_error_names_the_nearest_and_all() -> None:
    with pytest.raises(ConfigurationError) as refused:
        registry.load("pyscenedetct")
    assert "did you mean 'pyscenedetect'?" in refused.value.what
    assert "faster-whisper" in refused.value.remedy


def test_misspelt_option_error_names_the_nearest_and_all() -> None:
    with pytest.raises(ConfigurationError) as refused:
        registry.create("pyscenedetect", {"detectr": "content"})
    assert "no option 'detectr' (did you mean 'detector'?)" in refused.value.what
    assert "min_shot_frames" in refused.value.remedy


def test_an_option_out_of_bounds_is_named(install: Install) -> None:
    install("stranger_b", STRANGER, temporal="stranger=Stranger")
    with pytest.raises(ConfigurationError, match="'sharpness' of plugin 'stranger' is wrong"):
        registry.create("stranger", {"sharpness": -1})


@pytest.mark.parametrize(
    ("attribute", "remedy"),
    [
        ("Needy", "Run: pip install no_such_library"),
        ("Helped", "Run: pip install stranger[all]"),
    ],
)
def test_missing_library_error_names_the_install_command(
    install: Install, attribute: str, remedy: str
) -> None:
    name = f"stranger_{attribute.lower()}"
    install(name, STRANGER, temporal=f"needy={attribute}")
    with pytest.raises(ConfigurationError, match="no_such_library") as refused:
        registry.load("needy")
    assert refused.value.remedy == remedy


def test_missing_library_of_shipped_plugin_names_its_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError) as refused:
        registry.load("faster-whisper")
    assert refused.value.remedy == "Run: pip install 'video-pipeline[speech]'"


@pytest.mark.parametrize(
    ("source", "entries", "message"),
    [
        pytest.param(
            "import no_such_module", {"temporal": "odd=X"}, "no_such_module", id="import fails"
        ),
        pytest.param("", {"temporal": "odd=Missing"}, "Missing", id="no such class"),
        pytest.param("X = 1", {"temporal": "odd=X"}, "BaseTemporalPlugin", id="no class"),
        pytest.param(
            STRANGER, {"transcription": "odd=Stranger"}, "BaseTranscriptionPlugin", id="other group"
        ),
        pytest.param(STRANGER, {"temporal": "odd=Still"}, "how it runs", id="runs in no way"),
    ],
)
def test_invalid_plugin_is_refused(
    install: Install,
    request: pytest.FixtureRequest,
    source: str,
    entries: dict[str, str],
    message: str,
) -> None:
    install(f"odd_{abs(hash(request.node.name))}", source, **entries)
    with pytest.raises(ConfigurationError, match=message):
        registry.load("odd")


def test_a_name_that_two_packages_claim_is_refused(install: Install) -> None:
    install("claims_one", STRANGER, temporal="claimed=Stranger")
    install("claims_two", STRANGER, transcription="claimed=Stranger")
    with pytest.raises(ConfigurationError, match=r"more than once: .*claims_(one|two)"):
        registry.load("claimed")
