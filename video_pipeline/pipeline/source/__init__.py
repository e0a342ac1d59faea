"""The source of one video: probing, reading, local copies and the scratch folder."""
