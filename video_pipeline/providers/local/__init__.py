"""Providers that run on this machine, and their models."""
