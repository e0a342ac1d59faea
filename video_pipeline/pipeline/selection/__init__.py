"""Which provider serves a phase, and with which options."""
