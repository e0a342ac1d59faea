"""Probing and decoding of hostile media, always in a child process with limits."""
