"""How many lease renewals are sent at a time."""

from contextlib import AsyncExitStack

import pytest

from autox.kube.connection import Connection
from autox.nodes.node.clients import LEASE_CONNECTIONS, open_clients


@pytest.mark.parametrize(
    ("overdue", "expected"), [(-10.0, 8), (0.0, 8), (1.5, 8), (2.25, 28), (3.0, LEASE_CONNECTIONS), (1e9, 48)]
)
async def test_the_later_renewals_are_the_more_are_sent_at_a_time(overdue: float, expected: int) -> None:
    """So that a burst of pods cannot make nodes look dead; and no more than there are connections."""
    async with AsyncExitStack() as stack:
        clients = await open_clients(Connection(server="http://127.0.0.1:1", origin="a test"), stack)
        clients.hurry_leases(overdue)

        assert clients.leases.allowed == expected


async def test_those_in_time_again_are_sent_as_before() -> None:
    """The help ends with the need for it."""
    async with AsyncExitStack() as stack:
        clients = await open_clients(Connection(server="http://127.0.0.1:1", origin="a test"), stack)
        clients.hurry_leases(30.0)
        clients.hurry_leases(0.0)

        assert clients.leases.allowed == 8
