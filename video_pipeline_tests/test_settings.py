"""Reading pipeline.yaml: valid settings, and the messages about invalid ones."""

import json
import sys
import tomllib
from pathlib import Path

import pytest

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.naming.identity import project_id_for
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.source import Removal
from video_pipeline.plugins.registry import TEMPORAL, TRANSCRIPTION
from video_pipeline.settings import Settings, load_settings
from video_pipeline.settings.model import Notifications
from video_pipeline.settings.schema import pipeline_schema

ROOT = Path(__file__).parents[1]

GREETINGS = project_id_for("Grüße AG")

STRANGER = """
from fractions import Fraction
from pydantic import BaseModel, SecretStr
from video_pipeline.domain.usage import Meter, MeterSpec
from video_pipeline.plugins.base import Calls, PluginOptions
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.inputs import File
from video_pipeline.plugins.temporal import BaseTemporalPlugin

class Login(BaseModel):
    user: str = ""
    password: SecretStr | None = None

class Options(PluginOptions):
    key: SecretStr | None = None
    login: Login = Login()
    level: int = 1
    sensitivity: float = 0.5
    models_folder: str | None = None

class Stranger(BaseTemporalPlugin, Calls):
    Options = Options
    name = "stranger"
    def capabilities(self):
        spec = MeterSpec(meter=Meter.REQUESTS, paid=True)
        return Capabilities(fed=File(), replay="free", meter=spec, kinds=("shot",))
    def normalise(self, request, media, pages):
        return iter(())
    def call(self, unit, inputs, progress):
        return ()
"""


@pytest.fixture(autouse=True)
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin of another author, installed like any package."""
    site = tmp_path / "site"
    record = site / "stranger-1.0.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (record / "entry_points.txt").write_text(
        "[video_pipeline.temporal]\nstranger = stranger_plugin:Stranger\n"
    )
    (site / "stranger_plugin.py").write_text(STRANGER)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "stranger_plugin", raising=False)


def read(folder: Path, text: str, **environ: str) -> Settings:
    (folder / "pipeline.yaml").write_text(text)
    return load_settings(folder / "pipeline.yaml", environ)


def complaint(folder: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(folder, text, **environ)
    return str(caught.value)


def test_load_settings_accepts_an_empty_mapping(tmp_path: Path) -> None:
    settings = read(tmp_path, "{}")
    assert settings.home == tmp_path / ".video-pipeline"
    assert settings.storage.ingest.folder == settings.home / "ingest"
    assert settings.storage.outputs.folder == settings.home / "outputs"
    assert settings.catalog.uri is None
    assert settings.choices.of("acme", Phase.SHOTS).providers == ()


CHOICES = """
providers:
  one: {plugin: stranger}
  two: {plugin: stranger, options: {level: 2}}
phases:
  shots: one
projects:
  globex:
    phases:
      shots: {providers: [two, one], optional: true}
"""


def test_projects_may_choose_different_providers(tmp_path: Path) -> None:
    choices = read(tmp_path, CHOICES).choices
    assert choices.of("acme", Phase.SHOTS).providers == ("one",)
    assert choices.of("globex", Phase.SHOTS).providers == ("two", "one")
    assert choices.of("globex", Phase.SHOTS).optional


def test_relative_folders_start_at_the_file(tmp_path: Path) -> None:
    settings = read(tmp_path, "storage: {ingest: {folder: in}}\nhome: state\n")
    assert settings.storage.ingest.folder == tmp_path / "in"
    assert settings.storage.outputs.folder == tmp_path / "state" / "outputs"


def test_environment_overrides_the_file(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        "storage: {ingest: {bucket: from-file}, outputs: {bucket: kept}}\nhome: here\n",
        S3_BUCKET="from-environment",
        MONGODB_URI="mongodb://db.example:27017",
        VIDEO_PIPELINE_HOME=str(tmp_path / "elsewhere"),
        VIDEO_PIPELINE_MODELS="weights",
    )
    assert settings.storage.ingest.bucket == "from-environment"
    assert settings.storage.outputs.bucket == "kept"
    assert settings.catalog.uri and "db.example" in settings.catalog.uri.get_secret_value()
    assert settings.home == tmp_path / "elsewhere"
    assert settings.models == tmp_path / "weights"


def test_project_may_be_named_as_its_folder(tmp_path: Path) -> None:
    own = "{phases: {shots: two}, removal: delete, limits: {paid_minutes_per_day: 5}}"
    settings = read(tmp_path, f"{CHOICES}  Grüße AG: {own}\n")
    assert settings.projects == {"globex": "globex", GREETINGS: "Grüße AG"}
    assert settings.choices.of(GREETINGS, Phase.SHOTS).providers == ("two",)
    assert settings.removals == {GREETINGS: Removal.DELETE}
    assert settings.limits.of_project(GREETINGS) == 5


def test_project_may_have_its_own_removal_policy(tmp_path: Path) -> None:
    text = "arrivals: {removal: archive}\nprojects: {acme: {removal: delete}, globex: {}}\n"
    settings = read(tmp_path, text)
    assert settings.arrivals.removal is Removal.ARCHIVE
    assert settings.removals == {"acme": Removal.DELETE}


def test_notifications_need_an_ingest_bucket(tmp_path: Path) -> None:
    told = "notifications: {queue: https://sqs/1/in, dead_letters: https://sqs/1/dead}"
    settings = read(tmp_path, f"storage: {{ingest: {{bucket: in, {told}}}}}\n")
    assert settings.storage.notifications == Notifications(
        queue="https://sqs/1/in", dead_letters="https://sqs/1/dead"
    )
    named = read(tmp_path, f"storage: {{ingest: {{{told}}}}}\n", S3_BUCKET="in")
    assert named.storage.notifications == settings.storage.notifications
    wrong = complaint(tmp_path, f"storage:\n  ingest:\n    {told}\n")
    assert "line 3, storage.ingest.notifications: notifications need" in wrong


def test_variables_are_resolved_and_never_shown(tmp_path: Path) -> None:
    text = (
        "providers:\n  one: {plugin: stranger, options: {key: {env: KEY}, level: {env: LEVEL}}}\n"
    )
    settings = read(tmp_path, text, KEY="s3cr3t", LEVEL="4")
    entry = settings.providers["one"]
    assert entry.available
    assert entry.options == {"key": {"env": "KEY"}, "level": {"env": "LEVEL"}}
    assert entry.values == {"key": "s3cr3t", "level": "4"}
    assert "s3cr3t" not in repr(settings) + settings.model_dump_json()


def test_models_folder_is_passed_to_plugins_with_the_option(tmp_path: Path) -> None:
    text = (
        "models: weights\nproviders:\n  a: {plugin: stranger}\n"
        "  b: {plugin: stranger, options: {models_folder: mine}}\n"
    )
    entries = read(tmp_path, text).providers
    assert entries["a"].values == {"models_folder": str(tmp_path / "weights")}
    assert entries["b"].values == {"models_folder": "mine"}


def test_unset_variable_makes_only_its_entry_unavailable(tmp_path: Path) -> None:
    text = CHOICES.replace("{level: 2}", "{level: {env: LEVEL}, key: {env: KEY}}")
    settings = read(tmp_path, text, LEVEL="")
    assert settings.providers["one"].available
    assert settings.providers["two"].missing == ("LEVEL", "KEY")


def test_other_options_are_checked_while_a_variable_is_unset(tmp_path: Path) -> None:
    text = "providers:\n  one:\n    plugin: stranger\n    options: {key: {env: KEY}, level: high}\n"
    assert "line 4, providers.one.options.level" in complaint(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("phases: [", ["line 1", "not YAML"]),
        ("a: 1\na: 2\n", ["line 2", "written twice"]),
        ("- list\n", ["no mapping"]),
        ("\nprovider: {}\n", ["line 2", "unknown key 'provider'", "Did you mean 'providers'?"]),
        ("work:\n  worker: 2\n", ["line 2, work.worker", "Did you mean 'workers'?"]),
        ("work: {workers: many}\n", ["line 1, work.workers", "integer"]),
        ("arrivals: {removal: forget}\n", ["line 1, arrivals.removal", "'keep'"]),
        ("arrivals: {keys_a_tick: 0}\n", ["line 1, arrivals.keys_a_tick", "greater than 0"]),
        ("storage:\n  ingest:\n    foldr: x\n", ["line 3", "Did you mean 'folder'?"]),
        ("phases:\n  shotz: []\n", ["line 2, phases.shotz", "Did you mean 'shots'?"]),
        ("phases:\n  audio: []\n", ["line 2, phases.audio", "itself"]),
        ("phases:\n  shots: {optionl: true}\n", ["line 2", "Did you mean 'optional'?"]),
        ("phases:\n  shots: [no-such]\n", ["line 2, phases.shots.0", "unknown provider"]),
        ("projects:\n  '': {}\n", ["line 2, projects.", "a project without a name"]),
        (
            f"projects:\n  Grüße AG: {{}}\n  {GREETINGS}: {{}}\n",
            ["line 3", f"'Grüße AG' and '{GREETINGS}' are the same project"],
        ),
        ("providers:\n  a: {plugin: strager}\n", ["line 2", "'stranger'"]),
        ("providers:\n  a: {}\n", ["line 2, providers.a", "field required", "Add it"]),
    ],
)
def test_invalid_value_is_reported_with_line_and_remedy(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    said = complaint(tmp_path, text)
    assert str(tmp_path / "pipeline.yaml") in said
    for words in expected:
        assert words in said


def entry(options: str) -> str:
    return f"providers:\n  a:\n    plugin: stranger\n    options: {options}\n"


def test_misspelt_option_is_reported_with_the_nearest(tmp_path: Path) -> None:
    said = complaint(tmp_path, entry("{sensitivty: 0.4}"))
    assert "line 4, providers.a.options.sensitivty" in said
    assert "Did you mean 'sensitivity'?" in said


@pytest.mark.parametrize("options", ["{key: abc123}", "{login: {password: abc123}}"])
def test_literal_secret_is_refused_and_not_printed(tmp_path: Path, options: str) -> None:
    said = complaint(tmp_path, entry(options))
    assert "line 4" in said and "{env: NAME}" in said
    assert "abc123" not in said


def test_password_in_the_catalogue_address_is_refused(tmp_path: Path) -> None:
    said = complaint(tmp_path, "catalog:\n  uri: mongodb://me:pw123@db.example\n")
    assert "line 2, catalog.uri" in said and "MONGODB_URI" in said
    assert "pw123" not in said


def test_webserver_is_read_from_file_and_variables(
    tmp_path: Path,
) -> None:
    assert read(tmp_path, "{}").webserver is None
    assert read(tmp_path, "webserver: http://dagster:3000/").webserver == "http://dagster:3000"
    named = "webserver: {env: WEB}"
    assert read(tmp_path, named).webserver is None
    assert read(tmp_path, named, WEB="http://a:1").webserver == "http://a:1"
    ours = {"VIDEO_PIPELINE_WEBSERVER": "https://b"}
    assert read(tmp_path, named, WEB="http://a:1", **ours).webserver == "https://b"


@pytest.mark.parametrize("address", ["dagster:3000", "ftp://dagster", "http://me:secret@dagster"])
def test_invalid_webserver_address_is_refused(tmp_path: Path, address: str) -> None:
    said = complaint(tmp_path, f"home: here\nwebserver: {address}")
    assert "line 2, webserver" in said and "secret" not in said


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    said = complaint(tmp_path, "homme: x\nwork:\n  worker: 1\n")
    assert "line 1" in said and "line 3" in said


def test_provider_must_serve_the_phase_that_chooses_it(tmp_path: Path) -> None:
    text = "providers:\n  a: {plugin: stranger}\nphases:\n  transcript: a\n"
    assert "line 4" in complaint(tmp_path, text)
    assert "does not serve objects" in complaint(tmp_path, text.replace("transcript", "objects"))


def test_missing_file_is_reported_with_the_ways_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="VIDEO_PIPELINE_CONFIG"):
        load_settings(tmp_path / "none.yaml", {})


def test_variable_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("home: there\n")
    settings = load_settings(None, {"VIDEO_PIPELINE_CONFIG": str(tmp_path / "other.yaml")})
    assert settings.home == tmp_path / "there"


def test_shipped_configuration_is_valid() -> None:
    settings = load_settings(ROOT / "pipeline.yaml", {})
    acme, globex = (settings.choices.projects[name] for name in ("acme", "globex"))
    assert acme != globex


def test_shipped_schema_is_current_and_referenced() -> None:
    plugins = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    ours = [name for group in (TEMPORAL, TRANSCRIPTION) for name in sorted(plugins[group])]
    shipped = json.loads((ROOT / "video_pipeline" / "pipeline.schema.json").read_text())
    assert shipped == pipeline_schema(ours), "run: python -m video_pipeline.settings.schema"
    first = (ROOT / "pipeline.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=video_pipeline/pipeline.schema.json"


BUCKETS = r"""storage:
  ingest:
    bucket: footage
    layout: 'in/(?P<project>[^/]+)/(?P<video>[^/]+)\.[^/.]+'
  s3:
    region: eu-central-1
    role: arn:aws:iam::123456789012:role/pipeline
    access_key_id: {env: A_KEY}
  scratch_bytes: 1000
"""


def test_s3_options_are_read_and_secrets_are_not_shown(tmp_path: Path) -> None:
    storage = read(tmp_path, BUCKETS, A_KEY="hidden").storage
    assert storage.has_buckets
    assert storage.layout.place_of("in/acme/talk.mp4") == ("acme", "talk")
    assert (storage.s3.region, storage.scratch_bytes) == ("eu-central-1", 1000)
    assert storage.s3.access_key_id and storage.s3.access_key_id.get_secret_value() == "hidden"
    assert "hidden" not in repr(storage)
    assert storage.unset == ()
    assert read(tmp_path, BUCKETS).storage.unset == ("A_KEY",)


def test_literal_secret_of_s3_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="access_key_id"):
        read(tmp_path, "storage: {s3: {access_key_id: AKIA123}}\n")


def test_invalid_layout_is_reported_with_its_line(tmp_path: Path) -> None:
    text = "storage:\n  ingest:\n    layout: '(?P<project>[^/]+)/.*'\n"
    with pytest.raises(ConfigurationError, match=r"line 3, storage.ingest.layout: .*<video>"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("ingest", "outputs"),
    [
        ("{bucket: films}", "{bucket: films}"),
        ("{folder: films}", "{folder: films}"),
        ("{folder: films}", "{folder: ./films/../films/made}"),
        ("{folder: films/in}", "{folder: films}"),
    ],
)
def test_ingest_and_outputs_must_be_separate(tmp_path: Path, ingest: str, outputs: str) -> None:
    text = f"storage:\n  ingest: {ingest}\n  outputs: {outputs}\n"
    told = r"line 3, storage.outputs: .*films.*removals delete.* S3_OUTPUT_BUCKET"
    with pytest.raises(ConfigurationError, match=told):
        read(tmp_path, text)


def test_ingest_and_outputs_variables_must_differ(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'films'"):
        read(tmp_path, "{}", S3_BUCKET="films", S3_OUTPUT_BUCKET="films")
    read(tmp_path, "{}", S3_BUCKET="films", S3_OUTPUT_BUCKET="films-made")
