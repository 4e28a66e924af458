"""What is made of what was seen: metrics, notes, which part gave way first, and whether the test itself spoilt it."""
