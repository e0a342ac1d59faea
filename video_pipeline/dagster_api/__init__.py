"""Dagster's webserver, by its GraphQL over HTTP: what it is asked and told to do. What is known of
runs inside a process of Dagster's own belongs to defs/.
"""
