"""The command line: one subject a file. What the commands do lies in the use cases."""
