"""Starting containers, finding them again after a restart, and knowing how each ended: exactly once, truthfully.

Each attempt is claimed by making its folder, started by a shim (``shim.py``, by way of ``launching.py``) that
outlives this process, and watched by a pidfd of that shim, so that a restarted node watches old containers just
as it watches its own. The files of the attempt (``attempts.py``) are the truth; what is kept here is derived.

Where a crash may fall, and what becomes of the attempt:

- claimed, and no shim has it yet: ``recover`` disowns it, so that a shim still on its way gives up; LOST;
- a shim has it: it is running, or its exit record says how it ended;
- the shim was killed: the kernel kills the main process with it; whatever else carries its labels is killed;
  LOST.

Rejected: asyncio's subprocesses (their children die or go unwatched with the node, and each costs a pipe
transport and a watcher), and polling.
"""

import asyncio
import errno
import os
import signal
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autox.model.errors import ConfigurationError, NotFoundError
from autox.nodes.process.runtime.attempts import (
    Attempt,
    ContainerKey,
    ContainerLaunch,
    ContainerRecord,
    ContainerState,
    RunningProcesses,
    attempt_of,
    attempts_in,
    pod_folder,
)
from autox.nodes.process.runtime.guests import run_in_container
from autox.nodes.process.runtime.launching import Launcher, check_launch, start_error
from autox.nodes.process.runtime.processes import (
    CONTAINER_LABEL,
    POD_LABEL,
    STATE_LABEL,
    kill_strays,
)
from autox.nodes.process.runtime.spawning import START_ERROR
from autox.nodes.process.runtime.statedir import remove_tree, take_state_directory

__all__ = ["ContainerKey", "ContainerLaunch", "ContainerRecord", "ContainerRuntime", "ContainerState"]

_KEPT_ATTEMPTS = 2  # of each container: the newest and the one before it, whose log is the "previous" one
_SHIM_PATIENCE = 10.0  # seconds for a shim to report a container whose main process was killed


@dataclass(slots=True)
class _Watched:
    """What is known of one attempt; ``processes`` and ``pidfd`` only while it runs."""

    attempt: Attempt
    end: asyncio.Future[ContainerRecord]
    record: ContainerRecord | None = None
    processes: RunningProcesses | None = None
    pidfd: int = -1


class ContainerRuntime:
    """The containers under one state directory; no two runtimes may share one.

    Call ``recover`` first. Leaving the context (or ``close``) stops watching; containers go on.
    """

    def __init__(self, root: Path, *, node: str, log_limit: int) -> None:
        """Nothing is made or read before ``recover``.

        Args:
            root: the state directory; made with mode 0700.
            node: named to whoever tries to use the same state directory.
            log_limit: bytes after which a container's log is rotated; one older file is kept.
        """
        self._root = root.absolute()
        self._node = node
        self._launcher = Launcher(self._root, log_limit=log_limit)
        self._watched: dict[ContainerKey, _Watched] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._lock = -1

    async def __aenter__(self) -> Self:
        await self.recover()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def recover(self) -> list[ContainerRecord]:
        """Take the state directory and find out what became of everything in it.

        Containers that run are watched again; processes of ours that belong to none are killed.

        Raises:
            ConfigurationError: the directory cannot be used, or another runtime uses it.
        """
        self._lock = take_state_directory(self._root, node=self._node)
        remove_tree(self._root / "removed")
        for attempt in attempts_in(self._root):
            watched = self._watched[attempt.key] = _Watched(attempt, _future())
            attempt.disown()
            self._watch(watched)
        await kill_strays(self._root, self._is_stray)
        await self._settled()
        return [watched.record for watched in self._watched.values() if watched.record is not None]

    async def close(self) -> None:
        """Stop watching, and let others use the state directory; containers go on."""
        await self._settled()
        loop = asyncio.get_running_loop()
        for watched in self._watched.values():
            if watched.pidfd >= 0:
                loop.remove_reader(watched.pidfd)
                os.close(watched.pidfd)
                watched.pidfd = -1
            watched.end.cancel()
        self._watched.clear()
        self._launcher.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    async def start(self, launch: ContainerLaunch) -> ContainerRecord:
        """Start a container; returns once its command executes.

        A cancelled caller does not stop the start: ``record`` and ``wait`` know of it.

        Raises:
            AlreadyExistsError: this attempt was started before.
            StartError: the command or working directory is not there or not usable, or the machine is out of
                something; the attempt is then over, with exit code 128.
        """
        check_launch(launch)
        attempt = attempt_of(self._root, launch.key)
        attempt.claim()
        watched = self._watched[launch.key] = _Watched(attempt, _future())
        return await asyncio.shield(self._spawn(self._begin(watched, launch)))

    async def wait(self, key: ContainerKey) -> ContainerRecord:
        """The record of the container once it has ended.

        Raises:
            NotFoundError: no such attempt.
        """
        return await asyncio.shield(self._known(key).end)

    def record(self, key: ContainerKey) -> ContainerRecord | None:
        """What is known of the container now; None when it was never started."""
        watched = self._watched.get(key)
        return watched.record if watched is not None else None

    def log_path(self, key: ContainerKey) -> Path:
        """Where its log is."""
        return attempt_of(self._root, key).log

    async def signal(self, key: ContainerKey, signum: int) -> None:
        """Send a signal to its main process; nothing happens when it has ended.

        Raises:
            NotFoundError: no such attempt.
        """
        processes = self._known(key).processes
        if processes is not None:
            processes.main.send(signum)

    async def kill(self, key: ContainerKey) -> None:
        """SIGKILL to everything in it; returns when it has ended.

        Raises:
            NotFoundError: no such attempt.
        """
        watched = self._known(key)
        processes = watched.processes
        if processes is None:
            return
        processes.main.send(signal.SIGKILL)
        ended, _ = await asyncio.wait([watched.end], timeout=_SHIM_PATIENCE)
        if not ended:
            # The shim hangs (stopped, or its disk is gone); without it the end is LOST, but it is an end.
            processes.shim.send(signal.SIGKILL)
            await asyncio.wait([watched.end])

    async def run_inside(self, key: ContainerKey, argv: Sequence[str], *, timeout: float) -> tuple[int, bytes]:  # noqa: ASYNC109  - kills what runs, which a cancelled caller cannot say
        """Run a command in the container's environment and directory: exit code, first 64 KiB of its output.

        Args:
            key: which attempt.
            argv: the command, executed without a shell; a name alone is looked for in the container's PATH.
            timeout: seconds until it is killed.

        Raises:
            NotFoundError: the container is not running.
            DeadlineError: it took longer than ``timeout`` seconds, and was killed.
            InvalidError: no command, or one too long to be passed on.
        """
        return await run_in_container(self._known(key).attempt.folder, argv, timeout=timeout)

    async def remove_pod(self, pod_uid: str) -> None:
        """Kill what runs of the pod and remove all its files.

        Raises:
            ConfigurationError: files that cannot be removed.
        """
        folder = pod_folder(self._root, pod_uid)
        keys = [key for key in self._watched if key.pod_uid == pod_uid]
        await self._settled()
        await asyncio.gather(*(self.kill(key) for key in keys))
        removed = self._root / "removed" / f"{pod_uid}.{time.time_ns()}"
        removed.parent.mkdir(exist_ok=True, mode=0o700)
        try:
            folder.rename(removed)
            await asyncio.to_thread(remove_tree, removed)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise ConfigurationError(f"{folder} cannot be removed: {error.strerror}") from error
        for key in keys:
            del self._watched[key]

    async def _begin(self, watched: _Watched, launch: ContainerLaunch) -> ContainerRecord:
        key, attempt = launch.key, watched.attempt
        self._prune(key)
        env = dict(launch.env) | {
            STATE_LABEL: str(self._root),
            POD_LABEL: key.pod_uid,
            CONTAINER_LABEL: f"{key.container}/{key.attempt}",
        }
        try:
            answer = await self._launcher.launch(attempt.folder, replace(launch, env=env))
        except OSError as error:
            answer = b"error fork %d" % (error.errno or errno.EIO)
        if answer == b"ok" or (answer == b"" and not attempt.disown()):
            self._watch(watched)
            if watched.record is not None:
                return watched.record
        now = time.time()
        failed = ContainerRecord(
            key=key, state=ContainerState.EXITED, started_at=now, finished_at=now, exit_code=START_ERROR
        )
        attempt.disown()
        self._end(watched, attempt.settle(failed))
        raise start_error(answer, launch)

    def _watch(self, watched: _Watched) -> None:
        """Derive the state of an attempt from its files, and be told when that changes."""
        attempt = watched.attempt
        processes = attempt.processes()
        pidfd = None if processes is None else processes.shim.open()
        # NB: the exit record is looked for after the shim: a shim that is gone has left its record before.
        ended = attempt.ended()
        if ended is not None:
            if pidfd is not None:
                os.close(pidfd)
            self._end(watched, ended)
        elif processes is None or pidfd is None:
            self._spawn(self._lose(watched))
        else:
            watched.processes, watched.pidfd = processes, pidfd
            watched.record = ContainerRecord(
                key=attempt.key,
                state=ContainerState.RUNNING,
                started_at=processes.started_at,
                pid=processes.main.pid,
            )
            asyncio.get_running_loop().add_reader(pidfd, self._shim_ended, watched)

    def _shim_ended(self, watched: _Watched) -> None:
        asyncio.get_running_loop().remove_reader(watched.pidfd)
        os.close(watched.pidfd)
        watched.pidfd = -1
        ended = watched.attempt.ended()
        if ended is None:
            self._spawn(self._lose(watched))
        else:
            self._end(watched, ended)

    async def _lose(self, watched: _Watched) -> None:
        """End what ended without a record, and all that is left of it."""
        key = watched.attempt.key
        mine = (key.pod_uid, f"{key.container}/{key.attempt}")
        await kill_strays(self._root, lambda *found: found == mine)
        processes, now = watched.attempt.processes(), time.time()
        started_at = now if processes is None else processes.started_at
        lost = ContainerRecord(key=key, state=ContainerState.LOST, started_at=started_at, finished_at=now)
        self._end(watched, watched.attempt.settle(lost))

    def _end(self, watched: _Watched, record: ContainerRecord) -> None:
        watched.record, watched.processes = record, None
        if not watched.end.done():
            watched.end.set_result(record)

    def _prune(self, newest: ContainerKey) -> None:
        """Remove the files of attempts that nobody asks for any more, or a crash loop fills the disk."""
        if newest.attempt < _KEPT_ATTEMPTS:
            return
        for attempt in attempts_in(self._root, pod_uid=newest.pod_uid, container=newest.container):
            old = self._watched.get(attempt.key)
            if attempt.key.attempt <= newest.attempt - _KEPT_ATTEMPTS and old is not None and old.end.done():
                remove_tree(attempt.folder)
                del self._watched[attempt.key]

    def _is_stray(self, pod_uid: str, container: str) -> bool:
        name, _, number = container.rpartition("/")
        if not number.isdecimal():
            return True
        watched = self._watched.get(ContainerKey(pod_uid=pod_uid, container=name, attempt=int(number)))
        return watched is None or watched.processes is None

    def _known(self, key: ContainerKey) -> _Watched:
        if key not in self._watched:
            raise NotFoundError(f"container {key} was never started")
        return self._watched[key]

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _settled(self) -> None:
        """Wait for starts and losses under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)


def _future() -> asyncio.Future[ContainerRecord]:
    return asyncio.get_running_loop().create_future()
