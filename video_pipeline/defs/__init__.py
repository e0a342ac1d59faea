"""Thin Dagster: partitions, assets, checks, sensors, jobs, resources. What is done lies in the use
cases; here it is only called, and Dagster is told what came of it.
"""
