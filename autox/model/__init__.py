"""Frozen values that every other layer speaks in: references and errors.

This package imports nothing else of autox, and nothing that does I/O, so that a value can be built, compared
and printed in a test without a cluster, a clock or an event loop.
"""
