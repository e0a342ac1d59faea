"""Frozen values and pure functions of the subject: videos, time, markers, words, work, money.

No I/O, no client library, no Dagster.
"""
