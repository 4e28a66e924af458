"""``python -m autox.tasks.density.fleets.agentprocess``: one agent of a run, told on standard input what it is.

It ends with its input, so that no agent outlives its run, however that ended: nodes that were swept would come again.
"""

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import uvloop

from autox.kube.auth import from_kubeconfig
from autox.model.errors import AutoxError
from autox.nodes.agent.agent import forget_no_more
from autox.nodes.agent.supervision import supervise
from autox.nodes.node.clients import open_clients
from autox.tasks.density.fleets.fleet import Fleet
from autox.tasks.density.fleets.orders import RESTORE, WITHDRAW, Answer, Orders

FAILED = 3


async def _be() -> None:
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    if not (line := await lines.readline()):
        return
    orders = msgspec.json.decode(line, type=Orders)
    kubeconfig = Path(orders.kubeconfig)
    connection = from_kubeconfig(kubeconfig, allow_exec=orders.allow_exec, allow_files=orders.allow_files)
    async with AsyncExitStack() as stack:
        clients = await open_clients(connection, stack)
        fleet = Fleet(
            clients,
            orders.run_labels,
            kubeconfig=kubeconfig,
            count=orders.count,
            first=orders.first,
            pod_cidr=orders.pod_cidr,
        )
        done = asyncio.Event()
        parts = {"nodes": fleet.serve(forget_no_more), "orders": _obey(lines, fleet, done)}
        await supervise(parts, stop=done)


async def _obey(lines: asyncio.StreamReader, fleet: Fleet, done: asyncio.Event) -> None:
    while line := await lines.readline():
        word, _, name = line.decode().strip().partition(" ")
        if word == WITHDRAW:
            await fleet.withdraw(name)
        elif word == RESTORE:
            await fleet.restore(name)
        _say(Answer(figures=fleet.collector.figures()))
    done.set()
    await asyncio.Event().wait()


def _say(answer: Answer) -> None:
    os.write(sys.stdout.fileno(), msgspec.json.encode(answer) + b"\n")


def main() -> int:
    """Be the agent to the end of standard input; the code is 0, or 3 after the reason was told."""
    try:
        uvloop.run(_be())
    except AutoxError as error:
        _say(Answer(error=error.message, hint=error.hint))
        return FAILED
    except BrokenPipeError:
        return FAILED  # nobody is left whom it could be told
    return 0


if __name__ == "__main__":
    sys.exit(main())
