"""Scenarios, each of which proves a claim against real servers.

A scenario is a module with a docstring and `run() -> int`, which returns 0 if every claim holds.
It works in a temporary folder and ends every process that it starts.
"""
