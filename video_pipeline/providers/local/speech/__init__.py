"""Speech recognition on the CPU."""
