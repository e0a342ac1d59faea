"""Reads pipeline.yaml and the environment into frozen `Settings`. Opens no store or catalogue."""

from video_pipeline.settings.last_good import Running, load_and_keep, load_running
from video_pipeline.settings.load import load_settings
from video_pipeline.settings.model import CatalogAddress, Place, ProviderEntry, Settings, Storage

__all__ = [
    "CatalogAddress",
    "Place",
    "ProviderEntry",
    "Running",
    "Settings",
    "Storage",
    "load_and_keep",
    "load_running",
    "load_settings",
]
