"""The client of Dagster's GraphQL, and the deletion of old runs from Dagster's records.

Everything else that needs an instance of Dagster belongs to defs/.
"""
