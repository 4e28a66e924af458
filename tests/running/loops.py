"""Loops for tests: tasks that are plain functions, and a recorder that remembers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autox.model.errors import AutoxError
from autox.model.result import SLO, Bound, ExperimentResult, Metric, Subject
from autox.model.tasks import AssessInputs, HttpInputs, ReadyInputs, TaskSpec
from autox.tasks.assess import run as assess
from autox.tasks.context import Findings, TaskContext
from autox.tasks.loop import Ended, Plan, Witness
from autox.tasks.runner import run

Task = Callable[[Any, TaskContext], Awaitable[Findings]]

READY = TaskSpec(name="ready", inputs=ReadyInputs(deploy="web"), shown={"deploy": "web"})
HTTP = TaskSpec(
    name="http",
    inputs=HttpInputs(url="http://web/?key=hush", headers={"Authorization": "Bearer hush"}),
    shown={"url": "http://web/?key=***", "headers": {"Authorization": "***"}},
)
ASSESS = TaskSpec(
    name="assess",
    inputs=AssessInputs(slos=(SLO(metric="http/latency-mean", bound=Bound.UPPER, limit=50.0),)),
    shown={"SLOs": {"upper": {"http/latency-mean": 50}}},
)


@dataclass
class Memory:
    """A recorder that remembers what it was told, or fails."""

    failing: AutoxError | None = None
    shown: list[ExperimentResult] = field(default_factory=list)
    ended: list[ExperimentResult] = field(default_factory=list)

    async def progress(self, running: ExperimentResult) -> None:
        """Remember."""
        self.shown.append(running)

    async def finish(self, ended: ExperimentResult) -> None:
        """Remember, or fail."""
        if self.failing is not None:
            raise self.failing
        self.ended.append(ended)


async def ready(inputs: ReadyInputs, context: TaskContext) -> Findings:
    """Is ready."""
    context.say(f"{inputs.deploy} is there")
    return Findings(message="ready")


def measuring(mean: float | None, **fields: Any) -> Task:
    """A load that measures this mean latency."""

    async def http(inputs: HttpInputs, context: TaskContext) -> Findings:
        del inputs, context
        metric = Metric(name="http/latency-mean", unit="ms", value=mean)
        return Findings(message="100 requests", metrics=(metric,), **fields)

    return http


def raising(error: BaseException) -> Task:
    """A task that fails."""

    async def failing(inputs: object, context: TaskContext) -> Findings:
        del inputs, context
        raise error

    return failing


@dataclass
class Loop:
    """One loop over the three tasks, with functions of the test's own."""

    http: Task = field(default_factory=lambda: measuring(12.0))
    specs: tuple[TaskSpec, ...] = (READY, HTTP, ASSESS)
    recorder: Memory = field(default_factory=Memory)
    stored: ExperimentResult | None = None
    witness: Witness | None = None
    subject: Subject = field(default_factory=lambda: Subject(version="1"))
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    said: list[str] = field(default_factory=list)

    async def run(self) -> Ended:
        """Run it to its end."""
        tasks: Mapping[str, Task] = {"ready": ready, "http": self.http, "assess": assess}
        plan = Plan(
            specs=self.specs,
            subject=self.subject,
            stored=self.stored,
            witness=self.witness,
            say=self.said.append,
            find=tasks.__getitem__,
        )
        return await run(plan, self.recorder, stop=self.stop)

    async def result(self) -> ExperimentResult:
        """Run it, and what it found."""
        return (await self.run()).result
