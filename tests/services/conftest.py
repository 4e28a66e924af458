"""What the tests of services share."""

from collections.abc import AsyncIterator

import pytest

from tests.services.scene import Scene, running_scene


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """A running forwarder whose open connections get no grace at the end."""
    async with running_scene() as made:
        yield made
