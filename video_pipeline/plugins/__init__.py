"""What an author of a plugin reads, and nothing else: base classes, inputs, capabilities."""
