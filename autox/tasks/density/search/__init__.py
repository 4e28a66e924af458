"""The search for failure points: trials, what is kept of them, when something breaks, and what is said in the end."""
