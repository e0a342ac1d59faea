"""What connecting promises: lazy, patient within limits, discreet about credentials."""

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from video_pipeline.catalog import catalog as catalog_module
from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.server.mongod import locate_mongod
from video_pipeline.domain.errors import CatalogError, CatalogUnavailable, ConfigurationError


def test_unreachable_server_error_names_only_the_address() -> None:
    catalog = connect("mongodb://anna:s3cret@127.0.0.1:1/", "any", timeout_seconds=0.2)
    with pytest.raises(CatalogUnavailable) as refused:
        catalog.project("acme")
    with pytest.raises(CatalogUnavailable):
        catalog.projects()
    catalog.close()
    assert "127.0.0.1:1" in str(refused.value) and "MONGODB_URI" in str(refused.value)
    assert "s3cret" not in str(refused.value) and "anna" not in str(refused.value)


@pytest.mark.parametrize(
    "uri",
    [
        "/run/mongod",
        "postgres://anna:s3cret@host/",
        "mongodb://anna:s3cret/@host:27017",
        "mongodb://anna:s3:cret@host",
        "mongodb://anna:s3cret@host:99999/",
    ],
)
def test_invalid_address_is_a_configuration_error(uri: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        connect(uri, "any")
    assert "s3" not in str(refused.value) and refused.value.__suppress_context__


@pytest.fixture
def standalone() -> Iterator[str]:
    """A MongoDB that is no replica set."""
    folder = Path(tempfile.mkdtemp())
    socket = folder / "m.sock"
    command = [locate_mongod(), "--dbpath", folder, "--bind_ip", socket, "--port", "0"]
    server = subprocess.Popen([*command, "--nounixsocket"], stdout=subprocess.DEVNULL)
    yield f"mongodb://{quote(str(socket), safe='')}/?directConnection=true"
    server.terminate()
    server.wait(30)
    shutil.rmtree(folder)


def test_a_server_without_transactions_is_refused(standalone: str) -> None:
    catalog = connect(standalone, "any", timeout_seconds=30)
    with pytest.raises(CatalogError, match="replica set"):
        catalog.project("acme")
    catalog.close()


def test_first_uses_by_threads_do_not_wait_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2, timeout=30)
    monkeypatch.setattr(catalog_module, "ensure_schema", lambda _: both.wait())
    with (
        closing(connect("mongodb://127.0.0.1:1/", "any")) as catalog,
        ThreadPoolExecutor(2) as pool,
    ):
        opened = pool.map(catalog.project, ["acme", "globex"])
        assert [project.project for project in opened] == ["acme", "globex"]
