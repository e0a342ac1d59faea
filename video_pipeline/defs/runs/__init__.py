"""How runs are queued, launched and retried."""
