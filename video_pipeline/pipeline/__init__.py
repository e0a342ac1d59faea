"""The use cases, a room each. They see storage and media through interfaces only."""
