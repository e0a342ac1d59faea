"""Commands on work units and backfills: list, launch, cancel, repeat."""
