"""Asking a container how it is: handlers that ask once, thresholds that conclude, a prober that keeps asking.

``outcome`` has the values, and turns a row of outcomes into a state (pure), ``handlers`` do what a probe says,
``prober`` runs the probes of one container for as long as it runs. What follows from a result (restart, readiness,
Events) is decided by whoever runs the prober.
"""
