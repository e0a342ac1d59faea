"""What the scenario `overhead` compares: bare library calls and a Dagster run on a long video."""
