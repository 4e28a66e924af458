"""A node process to be killed: starts what its arguments say, tells what it started, and stays.

Run as ``python -m tests.containers.noderunner STATE COUNT SCRIPT``: COUNT containers running ``/bin/sh -c SCRIPT``
in pods ``pod-0`` … of the state directory. Prints the pid of its template and then one line for each container.
"""

import asyncio
import sys
from pathlib import Path

from autox.nodes.process.runtime.containers import ContainerKey, ContainerLaunch, ContainerRuntime


async def main(state: Path, count: int, script: str) -> None:
    """Start them, tell, and wait to be killed."""
    async with ContainerRuntime(state, node="a-node", log_limit=1 << 20) as runtime:
        for number in range(count):
            key = ContainerKey(pod_uid=f"pod-{number}", container="main", attempt=0)
            argv = ("/bin/sh", "-c", script)
            launch = ContainerLaunch(key=key, argv=argv, env={"PATH": "/usr/bin:/bin"}, cwd=state.parent)
            record = await runtime.start(launch)
            sys.stdout.write(f"{record.pid}\n")
        sys.stdout.write("started\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
