"""Pure functions over the values of ``autox.model``: no I/O, no clock, no logging.

Time and randomness come in as arguments, so that a test asserts what is decided, never how long it took.
"""
