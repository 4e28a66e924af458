"""What runs inside an experiment: one module a task, one shape."""
