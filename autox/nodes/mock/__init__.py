"""Provider ``mock``: nodes whose pods are simulated by writing what a kubelet would write; nothing runs.

From a watch's event to the write of a status a pod goes through: ``serving`` (what is new, and one request at a time),
``deciding`` (what is next, pure) with the ``plan`` (the table of stages, by state) and ``choosing`` (which stage
applies, and when), then ``podstatus`` (what its status is then, pure). ``podstate`` reads from a pod which state it is
in. ``provider`` has the nodes, and a ``serving`` for all or for each; ``endpoints`` answers for their kubelets.
"""
