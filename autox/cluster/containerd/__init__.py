"""A real Kubernetes node beside the process nodes: kubelet, containerd, pod network, kube-proxy and CoreDNS.

The whole node lives in process, mount, network and host-name namespaces of its own, and ``init`` is their process 1.
When that one process ends, however it ends, the kernel ends everything in them: containers, shims, mounts, bridges,
nftables tables, the link to this machine. So ``down`` has a single process to end, and after a SIGKILL at any moment
there is nothing to search for (decision 0017). What the kernel does not take along are control groups (``cgroups``)
and files, all of which are in the cluster's directory.

``configuration`` says what runs and with which files (pure), ``addresses`` where, ``requirements`` what the machine
must have, ``networking`` and ``namespaces`` make the node's surroundings, ``images`` brings images to it.
"""
