"""Figures of many: histograms, percentiles, thinning, and what differs by more than chance."""
