"""`doctor` and `aws check`: what is missing, and how to fix it."""
