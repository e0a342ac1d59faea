"""The assets of a video: specs, steps, checks and metadata. No work is done here."""
