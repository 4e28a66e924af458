"""Task ``density``: virtual nodes and pods on the control plane of a cluster, and what that makes of them.

``task`` decides whether a cluster may be loaded, ``loadtest`` does it, and ``search`` does it again and again to find
out how much is too much; ``matrix`` compares control planes.

``labels`` says how everything that a run makes is marked, ``workload`` which objects it makes, ``dryrun`` how much that
is. ``target`` is the cluster, and not our own; ``rights``, ``credentials`` and ``permission`` are what may be done
there. ``fleets`` keep the nodes; ``load`` and ``clients`` are what is put on the cluster; ``watcher`` (a process
apart), ``observation``, ``course`` and ``profiling`` what is seen of it; ``verdict`` what is made of that.
``inventory`` asks what was there before and is left after, and ``cleanup`` leaves nothing, even of a run that was
killed.
"""
