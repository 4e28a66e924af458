"""The running processes of a cluster, read from the kernel, and how to start and end them.

A process belongs to a cluster if its environment says so: ``AUTOX_CLUSTER_STATE`` names the cluster's directory,
``AUTOX_COMPONENT`` the component and ``AUTOX_DIGEST`` how it was started. The containers of the process node carry
``AUTOX_NODE_STATE``, a directory inside it. So the truth needs no record that could be stale, half written or
deleted, a reused pid cannot fool anybody, and ``down`` finds every process even when the directory is gone.
"""

import asyncio
import os
import signal
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from autox.cluster.component import Component
from autox.cluster.files import private_directory
from autox.cluster.labels import CLUSTER_LABEL, COMPONENT_LABEL, DIGEST_LABEL, NODE_LABEL
from autox.model.errors import PermanentError

POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Running:
    """A process of a cluster that was alive when looked at.

    Attributes:
        component: its name, or empty for a container of a node.
        digest: how it was started.
        process: the handle; psutil compares start times, so a signal never reaches a stranger with a reused pid.
    """

    component: str
    digest: str
    process: psutil.Process

    @property
    def pid(self) -> int:
        """The process id."""
        return int(self.process.pid)

    def has_ended(self) -> bool:
        """Whether it is over; reaps it if it was our child."""
        try:
            ended, _ = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:  # somebody else's child
            return self._is_gone()
        return ended == self.pid

    def _is_gone(self) -> bool:
        try:
            if not self.process.is_running():
                return True
            # NB: while other threads of it are still ending, so are its sockets, and the first one is a zombie already.
            return self.process.status() == psutil.STATUS_ZOMBIE and self.process.num_threads() <= 1
        except psutil.Error:
            return True


def find(directory: Path) -> list[Running]:
    """All live processes of the cluster in that directory, oldest first, whoever started them."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            if not _belongs(environment, directory) or process.status() == psutil.STATUS_ZOMBIE:
                continue
            started = process.create_time()
        except (psutil.Error, OSError):
            continue
        running = Running(environment.get(COMPONENT_LABEL, ""), environment.get(DIGEST_LABEL, ""), process)
        found.append((started, running))
    return [running for _, running in sorted(found, key=lambda pair: (pair[0], pair[1].pid))]


def components_of(running: Iterable[Running]) -> dict[str, Running]:
    """The process of each component: the oldest of its name."""
    processes: dict[str, Running] = {}
    for each in running:
        if each.component:
            processes.setdefault(each.component, each)
    return processes


def start(component: Component, *, directory: Path, log: Path) -> Running:
    """Start a component in a session of its own, its output appended to its log.

    Args:
        component: what to run; its variables and the labels are all of its environment.
        directory: of the cluster; by it ``find`` knows the process again.
        log: made, with its directory, if it is not there.

    Raises:
        PermanentError: its log or the program cannot be opened.
    """
    private_directory(log.parent)
    environment = {
        **component.inherited,
        **component.environment,
        CLUSTER_LABEL: str(directory),
        COMPONENT_LABEL: component.name,
        DIGEST_LABEL: component.digest,
    }
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        pid = os.posix_spawn(
            component.argv[0],
            list(component.argv),
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGHUP],
        )
    except OSError as error:
        raise PermanentError(f"cannot start {component.argv[0]} with log {log}: {error.strerror}") from error
    started = Running(component.name, component.digest, psutil.Process(pid))
    return _successor(started, directory=directory) if component.forks else started


def _successor(started: Running, *, directory: Path) -> Running:
    """The process that a started one leaves behind; the started one, which has ended, if there is none."""
    os.waitpid(started.pid, 0)
    return components_of(find(directory)).get(started.component, started)


async def end(processes: Collection[Running], *, grace: float) -> None:
    """End processes: SIGTERM, then SIGKILL for those still alive after ``grace`` seconds (0: SIGKILL at once).

    Raises:
        Nothing: a process that is gone already, or goes while we look, has ended.
    """
    if grace > 0:
        _signal(processes, signal.SIGTERM)
        left = await _wait(processes, seconds=grace)
    else:
        left = list(processes)
    _signal(left, signal.SIGKILL)
    await _wait(left, seconds=10.0)


async def _wait(processes: Iterable[Running], *, seconds: float) -> list[Running]:
    deadline = asyncio.get_running_loop().time() + seconds
    left = [each for each in processes if not each.has_ended()]
    while left and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(POLL_SECONDS)
        left = [each for each in left if not each.has_ended()]
    return left


def _signal(processes: Iterable[Running], number: signal.Signals) -> None:
    for each in processes:
        try:
            each.process.send_signal(number)
        except psutil.Error:
            continue


def _belongs(environment: dict[str, str], directory: Path) -> bool:
    if environment.get(CLUSTER_LABEL) == str(directory):
        return True
    node = environment.get(NODE_LABEL, "")
    return node.startswith(f"{directory}{os.sep}")
