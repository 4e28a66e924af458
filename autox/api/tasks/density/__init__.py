"""Task ``density``: what it is told, its limits and its metrics, in charts and documents alike."""
