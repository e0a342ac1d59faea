"""Opening services, stores and plugins from settings."""

import time
from pathlib import Path

import pytest

from video_pipeline.domain.errors import ConfigurationError, StorageError
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.services import now_utc
from video_pipeline.providers.local.shots.pyscenedetect import PySceneDetectPlugin
from video_pipeline.settings import Settings, load_settings
from video_pipeline.wiring import catalog_server, create_plugins, open_services, open_stores

PROVIDERS = """
providers:
  cuts: {plugin: pyscenedetect}
  louder: {plugin: pyscenedetect, options: {threshold: {env: THRESHOLD}}}
"""


def settings(folder: Path, text: str = PROVIDERS, **environ: str) -> Settings:
    (folder / "pipeline.yaml").write_text(text)
    return load_settings(folder / "pipeline.yaml", environ)


def test_open_services_uses_the_server_and_separates_projects(
    tmp_path: Path, mongo_uri: str, mongo_database: str
) -> None:
    text = f"catalog: {{database: {mongo_database}}}\n"
    with open_services(settings(tmp_path, text, MONGODB_URI=mongo_uri)) as services:
        for project in ("acme", "globex"):
            services.of(project).events.record(
                "one", Phase.SHOTS, PhaseState.RUNNING, now_utc(), message=project
            )
        assert services.of("acme").events.after(0)[0].message == "acme"
        assert len(services.of("globex").events.after(0)) == 1
        assert services.ingest.project("acme").stat("projects/acme/videos/a/a.mp4") is None


def test_open_services_creates_missing_folders(tmp_path: Path, mongo_uri: str) -> None:
    chosen = settings(tmp_path, "storage: {outputs: {folder: a/b}}\n", MONGODB_URI=mongo_uri)
    with open_services(chosen, plugins={}) as services:
        assert services.plugins == {}
    assert (tmp_path / "a" / "b").is_dir()
    assert (tmp_path / ".video-pipeline" / "ingest").is_dir()


def test_create_plugins_skips_entries_with_unset_variables(tmp_path: Path) -> None:
    assert set(create_plugins(settings(tmp_path))) == {"cuts"}
    made = create_plugins(settings(tmp_path, THRESHOLD="9.5"))
    assert made["louder"].options.threshold == 9.5


def test_create_plugins_skips_entries_without_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PySceneDetectPlugin, "libraries", ("no_such_library",))
    text = "providers: {cuts: {plugin: pyscenedetect}, words: {plugin: faster-whisper}}\n"
    chosen = settings(tmp_path, f"{text}phases: {{shots: cuts, transcript: words}}\n")
    assert chosen.providers["cuts"].absent == ("no_such_library",)
    assert set(create_plugins(chosen)) == {"words"}
    with pytest.raises(ConfigurationError, match="thresh"):
        settings(tmp_path, "providers: {cuts: {plugin: pyscenedetect, options: {thresh: 1}}}\n")


def test_open_stores_makes_no_network_request(tmp_path: Path) -> None:
    text = "storage: {s3: {endpoint: 'http://127.0.0.1:9', region: us-east-1}}\n"
    chosen = settings(tmp_path, text, S3_BUCKET="videos", S3_OUTPUT_BUCKET="results")
    ingest, outputs = open_stores(chosen)
    assert ingest.project("acme").uri("projects/acme/videos/v/a.mp4").startswith("s3://videos/")
    assert outputs.project("acme").uri("projects/acme/videos/v/a").startswith("s3://results/")
    assert not (tmp_path / ".video-pipeline").exists()


def test_open_stores_mixes_bucket_and_folder(tmp_path: Path) -> None:
    text = "storage: {s3: {region: us-east-1}}\n"
    ingest, outputs = open_stores(settings(tmp_path, text, S3_BUCKET="videos"))
    assert ingest.is_remote
    assert outputs.project("acme").uri("projects/acme/videos/v/a").startswith("file:")


def test_open_stores_needs_the_s3_variables_for_a_bucket(tmp_path: Path) -> None:
    text = "storage: {s3: {access_key_id: {env: A_KEY}, secret_access_key: {env: A_SECRET}}}\n"
    open_stores(settings(tmp_path, text))
    with pytest.raises(ConfigurationError, match="A_SECRET"):
        open_stores(settings(tmp_path, text, S3_BUCKET="videos", A_KEY="k"))


def test_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    chosen = settings(tmp_path, "storage: {ingest: {folder: file/ingest}}\n")
    with pytest.raises(StorageError, match="file/ingest"), open_services(chosen):
        pass


def test_embedded_server_ends_with_its_last_user(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    with catalog_server(chosen) as first, catalog_server(chosen) as second:
        assert first == second
    log = chosen.home / "mongodb" / "mongod.log"
    until = time.monotonic() + 10  # it logs this after closing its data files
    while '"exitCode":0' not in log.read_text():
        assert time.monotonic() < until, log.read_text()[-400:]
        time.sleep(0.05)
