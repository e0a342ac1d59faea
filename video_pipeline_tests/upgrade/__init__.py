"""An earlier version's home and catalogue, and the test that today's code finishes their work."""
