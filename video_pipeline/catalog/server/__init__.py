"""A MongoDB server started by ourselves, for trying and for tests."""
