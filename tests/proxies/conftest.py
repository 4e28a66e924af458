"""Tunnels are opened in asyncio's own loop and in uvloop's: the density task has the one, an agent the other."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop

from tests.proxies.connectproxy import ConnectProxy


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test on both event loops."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def proxy() -> AsyncIterator[ConnectProxy]:
    """A proxy that is well."""
    async with ConnectProxy() as made:
        yield made
