"""Dagster's definitions: they call the use cases of `pipeline`, and report the results."""
