"""Process 1 of a containerd node: it makes the node's surroundings, runs its programs and buries its dead.

``python -m autox.cluster.containerd.init CONFIG`` returns at once and goes on as process 1 of new namespaces. It starts
what is configured, in order, starts again what ends, and inherits what containerd leaves behind. SIGTERM ends it,
and with it the node. It is synchronous on purpose: a node is five programs and a handful of events a minute.

Rejected: an init system (none is installed for certain) and each program as a component of its own: they live and die
together, and the kernel is the one that ends them.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autox.cluster.containerd import cgroups
from autox.cluster.containerd.configuration import Program, programs
from autox.cluster.containerd.layout import Layout
from autox.cluster.containerd.namespaces import bind, enter_new, isolate_mounts, mount_memory, name_host
from autox.cluster.containerd.networking import connect
from autox.cluster.containerd.requirements import SYSTEM_PATH

TICK_SECONDS = 0.1
RESTART_SECONDS = 1.0
CONNECT_SECONDS = 0.2
SIGNALS = {signal.SIGCHLD, signal.SIGTERM}


@dataclass(slots=True)
class Service:
    """A program and where it stands."""

    program: Program
    pid: int = 0
    done: bool = False
    not_before: float = 0.0
    """The monotonic time before which it is not started again."""


@dataclass(slots=True)
class Supervisor:
    """Runs the programs of a node until it is told to end.

    Attributes:
        logs: the directory of their logs.
    """

    services: Sequence[Service]
    logs: Path
    environment: dict[str, str]

    def run(self) -> None:
        """Start, start again and bury until SIGTERM."""
        while True:
            self._start_what_can()
            received = signal.sigtimedwait(SIGNALS, TICK_SECONDS)
            if received is not None and received.si_signo == signal.SIGTERM:
                _say("told to end")
                return
            self._bury()

    def _start_what_can(self) -> None:
        for service in self.services:
            due = not service.pid and not service.done and time.monotonic() >= service.not_before
            if due and _takes_connections(service.program.after):
                self._start(service)
            # NB: what must be done once is waited for, by all that comes after it.
            if service.program.once and not service.done:
                return

    def _start(self, service: Service) -> None:
        service.not_before = time.monotonic() + RESTART_SECONDS
        program = service.program
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            service.pid = os.posix_spawn(
                shutil.which(program.argv[0], path=self.environment["PATH"]) or program.argv[0],
                program.argv,
                self.environment,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, str(self.logs / f"{program.name}.log"), append, 0o600),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
                setsid=True,
                setsigmask=[],
            )
        except OSError as error:
            _say(f"{program.name} cannot be started: {error}")
        else:
            _say(f"{program.name} started")

    def _bury(self) -> None:
        """Take note of every process that has ended, those that others left to us included."""
        by_pid = {each.pid: each for each in self.services if each.pid}
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in by_pid:
                self._ended(by_pid[pid], os.waitstatus_to_exitcode(status))

    def _ended(self, service: Service, code: int) -> None:
        service.pid = 0
        service.done = service.program.once and code == 0
        service.not_before = time.monotonic() + RESTART_SECONDS
        _say(f"{service.program.name} ended with {code}")


def main(config_file: Path) -> None:
    """Become the node that the file describes; returns when it was told to end."""
    config: dict[str, Any] = json.loads(config_file.read_bytes())
    layout = Layout(Path(config["cluster"]))
    machine = os.open("/proc/self/ns/net", os.O_RDONLY)
    enter_new()
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        _surround(config, layout, machine)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(error.cmd)}: {error.stderr.strip()}")
    except OSError as error:
        sys.exit(str(error))
    services = [Service(program) for program in programs(config)]
    logs = layout.cluster / "logs"
    # NB: none of the cluster's labels: this process is what the cluster knows, and all of these end with it.
    environment = {"PATH": SYSTEM_PATH, "HOME": str(layout.directory), "LANG": "C.UTF-8"}
    Supervisor(services=services, logs=logs, environment=environment).run()


def _surround(config: dict[str, Any], layout: Layout, machine: int) -> None:
    isolate_mounts()
    for source, place in ((layout.library, Path("/var/lib")), (layout.logs, Path("/var/log"))):
        source.mkdir(parents=True, exist_ok=True)
        bind(source, place)
    mount_memory(Path("/run"))
    name_host(config["name"])
    connect(machine=machine, link=layout.link, block=config["block"])
    os.close(machine)
    cgroups.make(layout.cgroup)
    _say(f"node {config['name']} has its own processes, mounts and network")


def _takes_connections(address: str) -> bool:
    """Whether somebody listens there; nobody is needed for an empty address."""
    if not address:
        return True
    try:
        if address.startswith("unix:"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.connect(address.removeprefix("unix:"))
        else:
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def _say(line: str) -> None:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    sys.stderr.write(f"{moment} {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
