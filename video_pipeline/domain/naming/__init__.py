"""Names: identifiers of projects and videos, and the layout of an ingest store's keys."""
