"""The assets of a video: specs, steps, checks and metadata."""
