"""Virtual nodes: the part of a kubelet that Kubernetes can see, with pods served by a provider.

``agent`` runs one agent process: it registers the nodes (``registration``, from the pure ``nodeobject``), renews
their leases (``leases``, by the pure ``schedule``), serves the kubelet's endpoints (``kubelet``) and runs one
``provider``: ``mock`` writes what a kubelet would write and runs nothing, ``process`` runs each container as a
local process. Nothing here knows how a control plane was brought up; that is ``autox.cluster``.
"""
