"""Probing and decoding media, which is hostile: always in a child process with limits."""
