"""The client of Dagster's GraphQL. What needs an instance of Dagster belongs to defs/."""
