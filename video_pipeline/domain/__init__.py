"""Frozen values and pure functions of the subject: videos, time, markers, words, work, money.

Nothing here does I/O, imports a client library, or knows Dagster.
"""
