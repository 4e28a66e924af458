"""Which addresses the pods of each of several agents get, when the agents are alike and know only their numbers.

A share is as large as one agent's nodes can need, whatever the number of agents: who adds an agent moves nobody's pods.
Rejected: one agent asking the API server what the others gave away; two would ask at the same time.
"""

from ipaddress import IPv4Network

_PODS = 110  # what a node holds: the kubelet's figure, and the capacity of mock nodes
_RESERVED = 256  # at the beginning of each share, for the nodes


def pod_share(whole: IPv4Network, *, index: int, nodes: int) -> IPv4Network:
    """The addresses of one agent's pods.

    Args:
        whole: the addresses of all agents.
        index: which agent, from 0. Where there are more agents than shares, it begins with the first again.
        nodes: how many nodes each has.
    """
    length = max(whole.prefixlen, whole.max_prefixlen - (nodes * _PODS + _RESERVED - 1).bit_length())
    shares = 1 << (length - whole.prefixlen)
    size = whole.num_addresses // shares
    return IPv4Network((int(whole.network_address) + index % shares * size, length))
