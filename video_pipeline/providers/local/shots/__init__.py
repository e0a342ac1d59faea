"""Shot detection on the CPU."""
