"""Parked phases: held runs, the sensor of completions, and jobs that act on work units."""
