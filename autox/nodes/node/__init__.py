"""A Node as Kubernetes sees it: its object, its heartbeats and its lease.

``nodeobject`` and ``nodeview`` say what is written and what was read (pure, but for the facts about this machine),
``registration`` keeps the objects, ``adoption`` finds and takes over those that exist; ``leases`` renews, by the pure
``schedule`` that ``ticker`` follows.
"""
