"""Commands that read or archive videos: status, show, errors, stale, rejected, archive."""
