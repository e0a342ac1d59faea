"""The source of one video: reading, probing, and the scratch folder for local copies."""
