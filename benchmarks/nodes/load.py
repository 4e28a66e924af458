"""Making and deleting objects with 32 requests in flight, in a process whose CPU is nobody's figure.

    python -m benchmarks.nodes.load PLAN    # a JSON file; prints when each request was sent

Times are those of the machine's monotonic clock, which all processes on it share.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.errors import AlreadyExistsError, ForbiddenError, NotFoundError, TransientError
from autox.model.refs import NODES, PODS
from benchmarks.nodes.processes import started

AT_ONCE = 32
PATIENCE_SECONDS = 0.5
NAMESPACE = "default"
ROOT = Path(__file__).parents[2]

Do = Callable[[Any], Coroutine[Any, Any, None]]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done.

    Attributes:
        kubeconfig: as whom.
        nodes: Node objects to make.
        pods: pods to make.
        deleted: names of pods to delete.
        rate: pods a second; None for as fast as it goes.
        alive_seconds: each pod is deleted so long after it was made; None leaves it.
        patient: outlast an API server that is away; else that is an error.
    """

    kubeconfig: str
    nodes: tuple[Object, ...] = ()
    pods: tuple[Object, ...] = ()
    deleted: tuple[str, ...] = ()
    rate: float | None = None
    alive_seconds: float | None = None
    patient: bool = False


async def play(plan: Plan, directory: Path, *, seconds: float) -> dict[str, float]:
    """Have a plan carried out by another process; when each request of it was sent, by the name of the object.

    Raises:
        RuntimeError: a request failed.
        TimeoutError: it takes longer than ``seconds``.
    """
    file = directory / "plan.json"
    file.write_bytes(msgspec.json.encode(plan))
    command = (sys.executable, "-m", "benchmarks.nodes.load", str(file))
    log = directory / "load.log"
    with log.open("wb") as said:
        async with started(command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=said) as process:
            async with asyncio.timeout(seconds):
                answer, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the load failed: {log.read_text(errors='replace')[-2000:]}")
    sent: dict[str, float] = json.loads(answer)
    return sent


async def carry_out(plan: Plan) -> dict[str, float]:
    """Do it here."""
    sent: dict[str, float] = {}
    async with KubeClient(from_kubeconfig(Path(plan.kubeconfig))) as kube:

        async def made(pod: Object) -> None:
            sent[pod["metadata"]["name"]] = time.monotonic()
            await _made(kube, pod, patient=plan.patient)
            if plan.alive_seconds is not None:
                await asyncio.sleep(plan.alive_seconds)
                await kube.delete(PODS, pod["metadata"]["name"], namespace=NAMESPACE)

        async def registered(node: Object) -> None:
            sent[node["metadata"]["name"]] = time.monotonic()
            await kube.create(NODES, node)

        async def deleted(name: str) -> None:
            sent[name] = time.monotonic()
            with suppress(NotFoundError):
                await kube.delete(PODS, name, namespace=NAMESPACE)

        await _at_once(registered, plan.nodes)
        await (_at_once(made, plan.pods) if plan.rate is None else _paced(made, plan.pods, plan.rate))
        await _at_once(deleted, plan.deleted)
    return sent


async def _made(kube: KubeClient, pod: Object, *, patient: bool) -> None:
    while True:
        try:
            await kube.create(PODS, pod, namespace=NAMESPACE)
        except AlreadyExistsError:  # by a request whose answer never came
            if not patient:
                raise
        # NB: an API server that starts denies everything until it has read its roles.
        except (TransientError, ForbiddenError):
            if not patient:
                raise
            await asyncio.sleep(PATIENCE_SECONDS)
            continue
        return


async def _at_once(do: Do, things: Iterable[Any]) -> None:
    rest = iter(things)

    async def work() -> None:
        for thing in rest:
            await do(thing)

    async with asyncio.TaskGroup() as workers:
        for _ in range(AT_ONCE):
            workers.create_task(work())


async def _paced(do: Do, things: Iterable[Any], rate: float) -> None:
    began = time.monotonic()
    async with asyncio.TaskGroup() as running:
        for number, thing in enumerate(things):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            running.create_task(do(thing))


def main() -> None:
    """Carry out the plan in a file."""
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)
    print(json.dumps(uvloop.run(carry_out(plan))))


if __name__ == "__main__":
    main()
