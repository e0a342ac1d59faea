"""`demo` and `try`: run videos on this machine and show their progress."""
