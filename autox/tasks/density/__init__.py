"""Task ``density``: virtual nodes and pods on the control plane of a cluster, and what that makes of them.

``task`` decides whether a cluster may be loaded, ``loadtest`` does it, and ``failurepoint`` does it again and again to
find out how much is too much, by ``trial``, ``hardsigns``, ``searchfigures`` and ``searchkeeping``.

Pure: ``labels`` (how everything that a run makes is marked), ``workload`` (what it makes), ``dryrun`` (how much that
is), ``podtimes``, ``serverclock``, ``leasetimes`` and ``apicalls`` (what was measured), ``arrival`` (how much of it was
the load that was asked for), ``figures`` (the metrics) and ``explaining`` (the notes). Effects: ``target`` (which
cluster, and not our own), ``fleet`` (the virtual nodes), ``namespaces``, ``observing`` (the watchers; that of pods is a
process, ``watcher``), ``applying`` and ``loading`` (the objects), ``hindering`` (what kept pods away), ``heartbeat``
and ``sweeping`` (nothing stays behind, even of a run that was killed).
"""
