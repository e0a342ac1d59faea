"""Results of analyses: markers, tracks, transcripts, and the timeline."""
