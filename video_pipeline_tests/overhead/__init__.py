"""What the scenario `tax` compares: a long reel, the bare library calls on it, and the road."""
