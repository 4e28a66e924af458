"""Task ``density``: virtual nodes and pods on the control plane of a cluster, and what that makes of them.

``task`` decides whether a cluster may be loaded, ``loadtest`` does it, and ``failurepoint`` does it again and again to
find out how much is too much, by ``trial``, ``hardsigns``, ``searchfigures`` and ``searchkeeping``.

Pure: ``labels`` (how everything that a run makes is marked), ``workload`` (what it makes), ``podtimes``,
``serverclock``, ``leasetimes`` and ``apicalls`` (what was measured), ``arrival`` (how much of it was the load that was
asked for), ``figures`` (the metrics) and ``explaining`` (the notes). Effects: ``target`` (which cluster, and not our
own), ``fleet`` (the virtual nodes), ``observing`` (the watchers), ``loading`` (the pods), ``heartbeat`` and
``sweeping`` (nothing stays behind, even of a run that was killed).
"""
