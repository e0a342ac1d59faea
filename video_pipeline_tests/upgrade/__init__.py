"""A home and a catalogue of an earlier version, and the test that today's code finishes them."""
