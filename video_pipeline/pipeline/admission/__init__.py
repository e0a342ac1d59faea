"""Decide when a request may be made: slots, paid minutes, and backoff after a refusal."""
