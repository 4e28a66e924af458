"""Stand-ins with switches for what a test cannot have or cannot break: shipped, for authors of charts and tasks too."""
