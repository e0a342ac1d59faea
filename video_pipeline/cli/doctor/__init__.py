"""`doctor` and `aws check`: what is missing, and the remedy."""
