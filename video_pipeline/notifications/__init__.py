"""What an ingest store tells of its objects: one interface, and the queues that carry it."""
