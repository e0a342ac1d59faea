"""Object stores: the ingest store, which is read-only, and the output store."""
