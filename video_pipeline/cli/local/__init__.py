"""Commands that run on this machine alone: demo, try, and the progress they show."""
