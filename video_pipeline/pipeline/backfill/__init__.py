"""Selection, preview and staleness of what is re-run, and re-running one work unit.

Starting the runs belongs to Dagster's side.
"""
