"""The analysis of one video: plan its phases, run their units, publish what they return.

What concerns a single work unit is in `jobs`.
"""
