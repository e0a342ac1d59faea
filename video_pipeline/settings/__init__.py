"""pipeline.yaml and the environment, read once into frozen `Settings`.

The only reader of the environment. Nothing here opens a store, a catalogue or a model: that is
the wiring's.
"""

from video_pipeline.settings.load import load_settings
from video_pipeline.settings.model import CatalogAddress, Place, ProviderEntry, Settings, Storage

__all__ = ["CatalogAddress", "Place", "ProviderEntry", "Settings", "Storage", "load_settings"]
