"""Planted faults: what is really the case beside what autox said of it.

The quick form is part of the suite; ``make faults`` runs all of it and prints the tables. Whoever adds a fault says
the truth first, and then what a verdict must quote of it.
"""
