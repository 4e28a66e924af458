"""Provider ``mock``: nodes whose pods are simulated by writing what a kubelet would write; nothing runs.

``deciding`` (pure) says what a pod needs next, ``podstatus`` (pure) what its status then is, ``writes`` performs
that one step against the API server, ``provider`` watches and keeps the steps of one pod in order.
"""
