"""How a video is named: project, video, the layout of keys. What it is called in a store."""
