"""A real Kubernetes control plane as local processes on loopback, brought up, healed and taken down by name.

``spec`` is what the user asked for, ``network`` and ``pki`` what that needs, ``plan`` turns them into the
processes to run (pure), ``processes`` starts and finds them, ``health`` asks them how they are, and ``up``,
``down`` and ``status`` are the three verbs. The nodes are a component like the others: how they run pods is
``autox.nodes``' business, which this package does not import.

The one idea that everything leans on: a running process carries in its environment which cluster it belongs to,
which component it is and a digest of how it was started. What runs is therefore read from the kernel each time,
never from a pid file, so nothing that is killed at any moment can leave a stale pid behind (decision 0003).
"""
