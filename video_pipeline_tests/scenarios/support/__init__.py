"""Deployments, accounts, media and claims that scenarios share; no scenario itself."""
