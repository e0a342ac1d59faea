"""Commands on work units and backfills: list, act, start, cancel."""
