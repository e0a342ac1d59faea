"""How videos enter and leave: listing, notifications, removal, archive, pending runs."""
