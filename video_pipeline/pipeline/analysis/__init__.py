"""The analysis of one video: plan its phases, run their units, publish their results.

The life of a single work unit belongs to `jobs`.
"""
