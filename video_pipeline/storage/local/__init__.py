"""Object stores in a local folder."""
