"""The signals of a video: measured by any decode, and stored for checks and later phases."""
