"""What simulated and real pods on our nodes go through."""
