"""The arrival and removal of videos: listing, notifications, archive, pending runs."""
