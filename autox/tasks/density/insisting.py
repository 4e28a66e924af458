"""Requests that are sent until they are answered: what they are about is wanted, whoever brought it about."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from autox.model.errors import AlreadyExistsError, ConflictError, NotFoundError, TransientError

T = TypeVar("T")

_RETRY = 1.0  # seconds


async def insist(call: Callable[[], Awaitable[T]]) -> T | None:
    """The answer, however often it has to be asked for; None if there is no such object, or already is.

    Args:
        call: sends the request. Of a conflict it is not sent again: an object that was asked to go is going.

    Raises:
        PermanentError: the API server refuses for another reason.
    """
    while True:
        try:
            return await call()
        except (NotFoundError, ConflictError, AlreadyExistsError):
            return None
        except TransientError:
            await asyncio.sleep(_RETRY)
