"""The embedded MongoDB server, for trials and tests."""
