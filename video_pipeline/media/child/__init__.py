"""All code that touches hostile bytes, run in a process with limits and an empty environment."""
