"""The pictures of a video: candidates kept by the decode, the choice of the best, and sheets."""
