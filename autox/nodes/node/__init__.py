"""A Node as Kubernetes sees it: its object, its heartbeats and its lease.

``nodeobject`` and ``nodeview`` (pure) say what is written and what was read, ``registration`` keeps the objects and
``adoption`` takes over those that exist; ``leases`` renews, by the pure ``schedule`` that ``ticker`` follows.
"""
