"""Clients, errors and queues of AWS and compatible servers, for stores, providers and notices."""
