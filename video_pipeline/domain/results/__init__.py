"""What an analysis finds: markers, tracks, transcripts, and the timeline that holds them."""
