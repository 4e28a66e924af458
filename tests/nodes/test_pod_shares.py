"""Which addresses the pods of several agents get."""

from ipaddress import IPv4Network
from itertools import pairwise

import pytest

from autox.api.nodes import ROOMY_CIDR, nodes_config_from_flags
from autox.core.pods.podshares import pod_share
from autox.model.errors import ConfigurationError
from autox.nodes.services.addresses import AddressPool

WHOLE = IPv4Network(ROOMY_CIDR)


@pytest.mark.parametrize(("nodes", "agents"), [(1, 16_384), (100, 512), (5_000, 8), (10_000, 4)])
def test_no_two_agents_share_an_address(nodes: int, agents: int) -> None:
    """Each of so many agents has addresses of its own, one after the other, and all of them together are used up."""
    shares = [pod_share(WHOLE, index=index, nodes=nodes) for index in range(agents)]

    assert all(before.broadcast_address + 1 == after.network_address for before, after in pairwise(shares))
    assert (shares[0].network_address, shares[-1].broadcast_address) == (WHOLE.network_address, WHOLE.broadcast_address)


@pytest.mark.parametrize("nodes", [1, 7, 100, 5_000, 10_000])
def test_a_share_holds_all_pods_of_full_nodes(nodes: int) -> None:
    """Nodes that are full give each pod an address."""
    pool = AddressPool(str(pod_share(WHOLE, index=3, nodes=nodes)))
    given = {pool.acquire(f"pod-{number}") for number in range(min(nodes * 110, 20_000))}

    assert len(given) == min(nodes * 110, 20_000)


def test_more_agents_than_shares_begin_anew() -> None:
    """Rather that than no addresses: their pods work, and some have the address of another agent's."""
    assert pod_share(WHOLE, index=4, nodes=10_000) == pod_share(WHOLE, index=0, nodes=10_000)
    assert pod_share(WHOLE, index=1, nodes=100_000) == WHOLE


def test_the_index_of_an_agent_decides() -> None:
    """Agents that were started with numbers have different addresses; one without has them all."""
    first, second = (nodes_config_from_flags("mock", {"count": 100, "index": index}).pod_cidr for index in (0, 1))

    assert not first.overlaps(second)
    assert nodes_config_from_flags("mock", {"count": 100}).pod_cidr == WHOLE
    assert nodes_config_from_flags("mock", {"selector": "a=b", "index": 1}).pod_cidr.subnet_of(WHOLE)


@pytest.mark.parametrize("index", [-1, "first", 1.5, True])
def test_an_index_is_a_number_from_0(index: object) -> None:
    """Anything else is refused with the flag's name."""
    with pytest.raises(ConfigurationError, match="index"):
        nodes_config_from_flags("mock", {"count": 100, "index": index})
