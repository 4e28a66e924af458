"""Which load falls due when, what of it goes and comes again, and which load to try next."""
