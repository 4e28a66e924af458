"""The trials of a matrix, one after another, until all are made, the time is up, or somebody ends it.

A trial is a load test by the same code as ``autox run``. One that its own doing spoilt (``Invalid``) is made again, a
few times; then it is left out and told. One that failed is a result: what it measured counts, and what never came is
infinitely late. One that broke off (``Error``) measured nothing that counts; it is not made again, for a control plane
that breaks under its load would else be judged by the trials in which it did not.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from autox.cluster.locking import locked
from autox.core.statistics.contrasts import slots
from autox.model.matrix import Matrix, Slot, Trial
from autox.model.result import ExperimentResult
from autox.model.verdict import Verdict
from autox.tasks.density.matrix.keeping import Kept

AGAIN = 2
"""How often a trial is made again that was spoilt."""

ATTEMPTS = "attempts"
"""In a trial's environment: how often it was made."""


class Telling(Protocol):
    """Told what happens, for whoever watches."""

    def plans(self, *, made: int, total: int, seconds: float) -> None:
        """What is there and what is to come.

        Args:
            made: how many trials are kept.
            total: how many there are to be.
            seconds: that the rest takes, about.
        """

    def begins(self, slot: Slot, *, number: int, left: float) -> None:
        """A trial begins.

        Args:
            slot: which.
            number: of all, from 1.
            left: seconds that this one and the rest take, about.
        """

    def says(self, line: str) -> None:
        """What a trial says, of which the latest is enough."""

    def tells(self, line: str) -> None:
        """What is worth a line of its own."""

    def ended(self, slot: Slot, result: ExperimentResult, *, seconds: float) -> None:
        """A trial has ended.

        Args:
            slot: which.
            result: of it.
            seconds: how long it took, its control plane included.
        """


@dataclass(slots=True, kw_only=True)
class Pace:
    """How long trials take: what they take at the least, by how much more those so far took.

    Attributes:
        spent: seconds, of all so far.
        least: what these take at the least.
    """

    spent: float = 0.0
    least: float = 0.0

    def of(self, seconds: float) -> float:
        """How long what takes so many seconds at the least takes about."""
        return seconds * (self.spent / self.least if self.least else 1.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Makes the trials of a matrix.

    Attributes:
        matrix: what is asked for.
        kept: where the results are.
        attempt: makes a trial; None for one that was interrupted.
        telling: is told.
        clock: seconds, monotonic.
    """

    matrix: Matrix
    kept: Kept
    attempt: Callable[[Slot], Awaitable[ExperimentResult | None]]
    telling: Telling
    clock: Callable[[], float] = time.monotonic
    pace: Pace = field(default_factory=Pace)

    async def run(self) -> tuple[tuple[Trial, ...], str]:
        """Make what is missing.

        Returns:
            All trials that were made, now or before, in order; and why some were not, empty if all were.

        Raises:
            AutoxError: a control plane does not come up or go, or a result cannot be kept.
        """
        async with locked(self.kept.directory, create=True, waiting=self._waiting):
            self.kept.claim()
            return await self._run()

    def _waiting(self) -> None:
        self.telling.tells(f"another command makes trials in {self.kept.directory}: waiting for its end")

    async def _run(self) -> tuple[tuple[Trial, ...], str]:
        results = self.kept.results(say=self.telling.tells)
        every = list(slots(self.matrix))
        began, why = self.clock(), ""
        missing = [slot for slot in every if slot.name not in results]
        self.telling.plans(made=len(results), total=len(every), seconds=self._left(missing))
        while missing and not why:
            slot = missing[0]
            if self.clock() - began + self.pace.of(slot.variant.seconds) > self.matrix.within:
                why = f"another trial would not end within {self.matrix.within / 60:.3g} min"
                break
            self.telling.begins(slot, number=len(every) - len(missing) + 1, left=self._left(missing))
            since = self.clock()
            result = await self._valid(slot)
            if result is None:
                why = "it was interrupted"
                break
            self.kept.keep(slot, result)
            results[slot.name] = result
            self.pace.spent += self.clock() - since
            self.pace.least += slot.variant.seconds
            self.telling.ended(slot, result, seconds=self.clock() - since)
            missing = missing[1:]
        return _made(every, results), why

    def _left(self, missing: list[Slot]) -> float:
        return self.pace.of(sum(each.variant.seconds for each in missing))

    async def _valid(self, slot: Slot) -> ExperimentResult | None:
        """The result of a trial that was not spoilt, or of the last that was; None if it was interrupted."""
        for attempt in range(1, AGAIN + 2):
            result = await self.attempt(slot)
            if result is None:
                return None
            result = replace(result, environment={**result.environment, ATTEMPTS: str(attempt)})
            if result.verdict is not Verdict.INVALID:
                break
            self.telling.tells(f"{slot.name} was spoilt: {result.message}")
        return result


def _made(every: list[Slot], results: Mapping[str, ExperimentResult]) -> tuple[Trial, ...]:
    return tuple(Trial(slot=each, result=results[each.name]) for each in every if each.name in results)
