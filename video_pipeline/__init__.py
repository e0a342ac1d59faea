"""Multi-tenant video ingestion on Dagster: a video arrives, an exact timeline leaves."""

__version__ = "0.1.0"
