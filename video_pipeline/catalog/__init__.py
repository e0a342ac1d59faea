"""The catalogue: what is known of each project's videos, in MongoDB."""
