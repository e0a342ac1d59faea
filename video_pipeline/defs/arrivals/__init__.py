"""The sensor of arrivals, and the partitions it adds and removes."""
