"""The life of one work unit: submit, poll, fetch, lease, cancel, close.

Rounds over many units are in `sweep`; the phases of one video are in `analysis`.
"""
