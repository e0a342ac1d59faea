"""Deployments, accounts, media and claims that scenarios share. No scenario belongs here."""
