"""The life of one work unit: submit, poll, fetch, lease, cancel, close.

Rounds over many units belong in `sweep`, and the phases of one video in `analysis`.
"""
