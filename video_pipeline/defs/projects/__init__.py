"""The asset of a project, its tables, and the job that re-runs it."""
