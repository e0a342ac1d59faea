"""Reads pipeline.yaml and the environment into frozen `Settings`. Opens no store or catalogue."""

from video_pipeline.settings.load import load_settings
from video_pipeline.settings.model import CatalogAddress, Place, ProviderEntry, Settings, Storage

__all__ = ["CatalogAddress", "Place", "ProviderEntry", "Settings", "Storage", "load_settings"]
