"""Virtual nodes: the part of a kubelet that Kubernetes can see, with pods served by a provider.

``agent`` is one agent: it registers and keeps its nodes (``node``), serves the kubelet's endpoints (``kubelet``) and
runs one ``provider``: ``mock`` writes what a kubelet would write and runs nothing, ``process`` runs each container as a
local process, with ``probes`` of its own; ``services`` is what addresses of pods and Services mean on one machine.
Nothing here knows how a control plane was brought up; that is ``autox.cluster``.
"""
