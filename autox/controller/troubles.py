"""Errors about one object each, kept until all others have been seen to: none stops the work on another."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from autox.model.errors import AutoxError


class Troubles:
    """What went wrong with some of many."""

    def __init__(self) -> None:
        self._errors: list[AutoxError] = []

    @asynccontextmanager
    async def of_one(self) -> AsyncGenerator[None, None]:
        """Work on one of them; its error is kept for later."""
        try:
            yield
        except AutoxError as error:
            self._errors.append(error)

    def tell(self) -> None:
        """Raise the first error, if there was one, and say how many more there were."""
        if self._errors:
            first = self._errors[0]
            if len(self._errors) > 1:
                first.add_note(f"and {len(self._errors) - 1} more")
            raise first
