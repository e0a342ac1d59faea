"""Object stores: the ingest side, which is only read, and the output side."""
