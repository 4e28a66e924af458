"""What is seen of a run while it lasts: pods, leases, watches, API calls, each by its own clock. Mostly pure."""
