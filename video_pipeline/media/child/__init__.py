"""All code that reads hostile bytes. Runs in a process with limits and an empty environment."""
