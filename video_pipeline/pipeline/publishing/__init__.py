"""From raw pages to what consumers read: results, tracks, timeline and exported files."""
