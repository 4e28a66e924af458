"""What to do about experiments, what their metrics are worth, and the words for both."""
