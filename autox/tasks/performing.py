"""One loop of an experiment from beginning to end: what is known of it is recalled, its tasks are run, it is recorded.

This is where the command line comes in; which cluster that is, and how the result is shown, is its own business. With
a name the experiment's record and Secret are read and written, through a client of its own that does not wait long; a
run without one is somebody's own, and its report is all there is.

A result says on what its experiment ran: the figures of two runs are worth comparing only if that is the same.
"""

import asyncio
import json
import os
import platform
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from autox import __version__
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.kube.transport import Limits
from autox.model.errors import AutoxError, ConfigurationError
from autox.model.result import ExperimentResult, Subject
from autox.model.tasks import TaskSpec
from autox.tasks.loop import Ended, Plan, Recorder
from autox.tasks.recalling import recall
from autox.tasks.recording import ClusterRecorder
from autox.tasks.retry import RetryPolicy
from autox.tasks.runner import refuse, run
from autox.tasks.undertest import UnderTest

_WORKLOAD = re.compile(r"(Job|CronJob)/[a-z0-9][-.a-z0-9]*")
_RECORDING = Limits(connections=4, connect_seconds=5.0, request_seconds=10.0)
"""A server that stalls must not use up the time in which a result can still be recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be run, and where.

    Attributes:
        specs: the tasks; none if the document is not valid.
        trouble: why it is not; None if it is.
        connection: to the cluster that the experiment runs in; None for none.
        experiment: namespace and name of the record; None for a run that records nothing. Needs a connection.
        environ: the environment variables of the run.
        say: shows a line of progress.
    """

    specs: tuple[TaskSpec, ...] = ()
    trouble: ConfigurationError | None = None
    connection: Connection | None = None
    experiment: tuple[str, str] | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    say: Callable[[str], None]


async def perform(request: Request, *, stop: asyncio.Event) -> Ended:
    """Run the loop; of a document that is not valid, have that recorded.

    Args:
        request: what to run.
        stop: set it to end the run early.

    Raises:
        AutoxError: what is known of the experiment could not be read.
    """
    async with _prepared(request, stop) as (plan, recorder):
        if request.trouble is not None:
            return await refuse(plan, recorder, reason="InvalidExperiment", message=request.trouble.message)
        return await run(plan, recorder, stop=stop)


class Unrecorded:
    """The ``Recorder`` of a run on somebody's own machine: its report is all there is."""

    async def progress(self, running: ExperimentResult) -> None:
        """Nothing to show it in; the lines of progress say it."""

    async def finish(self, ended: ExperimentResult) -> None:
        """The caller prints it."""


@asynccontextmanager
async def _prepared(request: Request, stop: asyncio.Event) -> AsyncIterator[tuple[Plan, Recorder]]:
    environ, connection, say = request.environ, request.connection, request.say
    async with AsyncExitStack() as stack:
        plan = Plan(specs=request.specs, subject=Subject(), environ=environ, say=say)
        if connection is None:
            yield replace(plan, environment=await _environment(None, environ)), Unrecorded()
            return
        kube = await stack.enter_async_context(KubeClient(connection))
        if request.experiment is None:
            found = await _environment(kube, environ)
            yield replace(plan, kube=kube, namespace=connection.namespace, environment=found), Unrecorded()
            return
        hurried = await stack.enter_async_context(KubeClient(connection, limits=_RECORDING))
        namespace, name = request.experiment
        retry = RetryPolicy(stop=stop)
        recalled = await recall(hurried, namespace, name, workload=_workload(environ), retry=retry, say=say)
        recorder = ClusterRecorder(hurried, namespace, name, recalled=recalled, retry=retry, say=say)
        witness = None
        if recalled.trigger is not None:
            witness = UnderTest(hurried, recalled.trigger, retry=retry, say=say)
            stack.push_async_callback(witness.close)
        yield (
            replace(
                plan,
                kube=kube,
                namespace=namespace,
                subject=recalled.subject,
                witness=witness,
                stored=recalled.stored,
                environment=await _environment(hurried, environ),
            ),
            recorder,
        )


def _workload(environ: Mapping[str, str]) -> str:
    """What runs this, as the chart says it: ``Job/NAME``, ``CronJob/NAME``; empty on somebody's own machine."""
    found = environ.get("WORKLOAD", "")
    return found if _WORKLOAD.fullmatch(found) else ""


async def _environment(kube: KubeClient | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Names and versions, by what they are of; what cannot be found out is left out.

    Args:
        kube: the cluster that the experiment runs in; None for none.
        environ: for ``NODE_NAME``.
    """
    found = {
        "autox": __version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cpus": str(len(os.sched_getaffinity(0))),
        "node": environ.get("NODE_NAME", ""),
        "kubernetes": await _kubernetes(kube) if kube is not None else "",
    }
    return {name: value for name, value in found.items() if value}


async def _kubernetes(kube: KubeClient) -> str:
    try:
        answer = json.loads(await kube.read("/version"))
    except (AutoxError, ValueError, RecursionError):
        return ""
    version = answer.get("gitVersion") if isinstance(answer, dict) else None
    return version if isinstance(version, str) else ""
