"""Frozen values: what is stored, hashed or told to a provider, as earlier versions wrote it. Tests
of behaviour do not belong here."""
