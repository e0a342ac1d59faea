"""What the scenario `chaos` works with: short videos, and what must hold at the end."""
