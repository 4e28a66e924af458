"""What a loop is told before it runs, whom it asks and tells meanwhile, and how it has ended. ``runner`` runs it.

Both ports are small: what is under test and what is kept are other modules' business, and tests have their own.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from autox.kube.client import KubeClient
from autox.model.errors import AutoxError
from autox.model.result import ExperimentResult, Subject
from autox.model.tasks import TaskSpec
from autox.tasks.context import TaskFunction, task_function


class Recorder(Protocol):
    """Keeps what a run finds out."""

    async def progress(self, running: ExperimentResult) -> None:
        """Show how far the loop is; never raises, and soon gives up."""

    async def finish(self, ended: ExperimentResult) -> None:
        """Keep the result.

        Raises:
            AutoxError: it could not be kept anywhere.
        """


class Witness(Protocol):
    """Looks at what is under test."""

    async def begin(self, *, rolled_out: bool) -> str:
        """Look before a load, with ``rolled_out`` once a rollout has ended; says why it cannot see, or nothing.

        Raises:
            AutoxError: a load had better not begin.
        """

    async def changed(self) -> str:
        """Why what was measured since is about no one set of pods; empty if it is."""

    async def pods(self) -> str:
        """Which pods there were before a load, and are after it, in words; empty if nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A loop to run.

    Attributes:
        specs: the tasks, in order.
        subject: what is tested.
        environment: on what.
        witness: looks at the pods under test; None if there are none that are known.
        stored: the result of the loops before this one; None if there is none.
        kube: of the cluster that the experiment runs in; None for none.
        namespace: where the tasks look up names without a namespace.
        environ: the environment variables.
        say: shows a line of progress.
        now: the wall clock.
        clock: seconds, monotonic.
        find: the function of a task by its name.
    """

    specs: tuple[TaskSpec, ...]
    subject: Subject
    environment: Mapping[str, str] = field(default_factory=dict)
    witness: Witness | None = None
    stored: ExperimentResult | None = None
    kube: KubeClient | None = None
    namespace: str = "default"
    environ: Mapping[str, str] = field(default_factory=dict)
    say: Callable[[str], None]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock: Callable[[], float] = time.monotonic
    find: Callable[[str], TaskFunction] = task_function


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A loop that has ended.

    Attributes:
        result: with the loops before it counted.
        unrecorded: why the result could not be kept anywhere; None if it was.
    """

    result: ExperimentResult
    unrecorded: AutoxError | None = None
