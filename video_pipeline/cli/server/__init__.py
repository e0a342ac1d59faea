"""`up` and `clean-up`: a deployment's processes, ports and Dagster records."""
