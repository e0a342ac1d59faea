"""Providers of Amazon Web Services, and what they share: session, events, errors."""
