"""A matrix of load tests: trials in turn on control planes that come and go, each kept, all compared."""
