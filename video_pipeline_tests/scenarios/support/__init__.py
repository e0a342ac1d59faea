"""What scenarios share: deployments, accounts, media, and verdicts. No scenario of its own."""
