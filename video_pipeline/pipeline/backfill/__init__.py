"""Selection, preview and staleness of results to re-run, and re-running one work unit.

The Dagster side launches the runs.
"""
