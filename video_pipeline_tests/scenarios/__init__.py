"""Scenarios: each proves a claim for real, prints its table, and says whether all of it holds.

A scenario is a module with a docstring and `run() -> int`, 0 where it holds. It makes its
deployment in a temporary folder and ends every process that it starts.
"""
