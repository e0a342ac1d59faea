"""The state of each phase as a run reports it, and the results it published itself."""
