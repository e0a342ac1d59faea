"""Options, plugins, commands, phases and variables are documented, and links lead to files."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel

from video_pipeline.cli.main import app
from video_pipeline.domain.phases import Phase
from video_pipeline.media.reader import MediaLimits
from video_pipeline.pipeline.policies import ArrivalPolicy, WorkPolicy
from video_pipeline.plugins import registry
from video_pipeline.settings import form, load, stores
from video_pipeline.settings.schema import installed

ROOT = Path(__file__).parents[1]
README, CONFIGURATION, REFERENCE, CLI = (
    (ROOT / name).read_text()
    for name in (
        "README.md",
        "docs/configuration.md",
        "docs/configuration-reference.md",
        "docs/cli.md",
    )
)
SECTIONS = (form.PipelineForm, form.StorageForm, form.IngestForm, form.S3Form, form.CatalogForm)
ARRIVALS = (form.NotificationsForm, form.ProjectForm, form.LimitsForm, ArrivalPolicy)
ENTRIES = (form.ProviderForm, form.PhaseForm, WorkPolicy, MediaLimits)


def commands(group: Any, within: str = "") -> dict[str, Any]:
    """Return every command by name, with its group before it."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        found[f"{within}{name}"] = command
        if hasattr(command, "commands"):
            found |= commands(command, f"{within}{name} ")
    return found


COMMANDS = commands(typer.main.get_command(app))


def section(text: str, title: str) -> str:
    """Return the text under a heading, up to the next heading of its level."""
    found = re.search(rf"^(#+) `{re.escape(title)}`\n(.*?)(?=^\1 |\Z)", text, re.M | re.S)
    assert found, f"there is no heading `{title}`"
    return found[2]


@pytest.mark.parametrize(
    "model", [*SECTIONS, *ARRIVALS, *ENTRIES], ids=lambda model: model.__name__
)
def test_every_configuration_key_is_documented(model: type[BaseModel]) -> None:
    missing = [name for name in model.model_fields if f"`{name}`" not in CONFIGURATION]
    assert not missing


@pytest.mark.parametrize("plugin", installed())
def test_every_plugin_is_documented_with_its_options(plugin: str) -> None:
    text = section(REFERENCE, plugin)
    options = registry.load(plugin).Options.model_fields
    assert not [name for name in options if f"- `{name}`" not in text]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented_with_its_options(command: str) -> None:
    text = section(CLI, command)
    options = [o for p in COMMANDS[command].params for o in p.opts if o.startswith("--")]
    assert not [option for option in options if option != "--help" and f"`{option}`" not in text]


def test_every_environment_variable_is_documented() -> None:
    names = (
        load.CONFIG,
        load.HOME,
        load.MODELS,
        load.WEBSERVER,
        stores.INGEST_BUCKET,
        stores.OUTPUT_BUCKET,
    )
    assert not [name for name in (*names, "MONGODB_URI") if f"| `{name}` |" not in CONFIGURATION]


def test_every_phase_is_documented() -> None:
    assert not [phase for phase in Phase if f"| `{phase}` |" not in README]


def test_readme_opens_with_the_two_commands() -> None:
    first, second = re.findall(r"^\./run (\w+)", README, re.M)[:2]
    assert (first, second) == ("demo", "test")
    assert "./run try FILE" in README


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "docs"])
def test_links_lead_to_files(name: str) -> None:
    place = ROOT / name
    for file in [place] if place.is_file() else sorted(place.rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", file.read_text()):
            assert (file.parent / target).exists(), f"{file.name}: {target}"


def test_every_page_is_listed_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text()
    pages = [page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")]
    assert not [page for page in pages if page.name != "README.md" and f"({page})" not in index]
