"""Real agent processes for the tests: ``autox nodes run`` as a user or ``autox cluster`` starts it."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from tests.forking import AUTOX, Forked, fork

PATIENCE_SECONDS = 45.0

Found = TypeVar("Found")


async def eventually(look: Callable[[], Awaitable[Found]]) -> Found:
    """What ``look`` gives as soon as that is true; a test that waits in vain fails with the last it gave."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := await look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {found!r} after {PATIENCE_SECONDS} s")
        await asyncio.sleep(0.1)
    return found


class AgentProcess:
    """One agent of mock nodes, which can be started again."""

    def __init__(
        self, directory: Path, kubeconfig: Path, *, prefix: str, count: int, mode: str = "cheap", **more: Any
    ) -> None:
        self.state_dir = directory / "state"
        self._config = directory / "nodes.json"
        self._log = directory / "agent.log"
        self._process: Forked | None = None
        config = {
            "provider": "mock",
            "stateDir": str(self.state_dir),
            "mock": {"kubeconfig": str(kubeconfig), "namePrefix": prefix, "count": count, "mode": mode, **more},
            "podCIDR": "10.77.0.0/16",
        }
        self._config.write_text(json.dumps(config))

    @property
    def log(self) -> str:
        """All that it has said."""
        return self._log.read_text()

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    async def launch(self) -> None:
        """Start the process and do not wait for anything."""
        environment = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        with self._log.open("ab") as log:
            argv = (*AUTOX, "nodes", "run", "--config", str(self._config))
            self._process = fork(argv, env=environment, stdout=log, stderr=log)

    async def start(self) -> list[str]:
        """Start it and wait until its nodes are registered; their names."""
        await self.launch()

        async def ready() -> Any:
            assert self.is_running, self.log
            path = self.state_dir / "ready"
            return path.exists() and json.loads(path.read_text())["nodes"]

        names: list[str] = await eventually(ready)
        return names

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        assert self._process is not None
        return await asyncio.to_thread(self._process.wait, PATIENCE_SECONDS)

    async def end(self, number: signal.Signals) -> int:
        """Send a signal and wait; its exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return await self.wait()
