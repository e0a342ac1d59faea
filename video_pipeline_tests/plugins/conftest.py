"""Plugins of a stranger, installed in a folder of the test's own as a package would be."""

from collections.abc import Callable
from pathlib import Path

import pytest

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution with one module and entry points, for the time of the test."""

    def make(name: str, source: str, **entries: str) -> None:
        """`entries` are `temporal` or `transcription` to `plugin=Class`."""
        site = tmp_path / name
        info = site / f"{name}-1.dist-info"
        info.mkdir(parents=True)
        (site / f"{name}.py").write_text(source)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        points = [
            f"[video_pipeline.{group}]\n{plugin} = {name}:{attribute}\n"
            for group, entry in entries.items()
            for plugin, _, attribute in [entry.partition("=")]
        ]
        (info / "entry_points.txt").write_text("".join(points))
        monkeypatch.syspath_prepend(str(site))

    return make
