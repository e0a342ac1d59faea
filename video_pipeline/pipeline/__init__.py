"""The use cases, one a file. They see storage, catalogue and media through interfaces only."""
