"""Dagster resources: the deployment, the providers of pipeline.yaml, S3, GraphQL."""
