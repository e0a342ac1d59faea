"""Frozen values: data that is stored, hashed or sent to a provider, as earlier versions wrote it.

Tests of behaviour do not belong here.
"""
