"""`up` and `clean-up`: the processes of a deployment, its home and its ports."""
