"""Real clusters for tests: brought up by the command that users type, in a state directory of the test's own."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeVar

import psutil

from autox.cluster.home import ClusterHome
from autox.cluster.processes import components_of, find
from tests.clusterobjects import Objects
from tests.forking import AUTOX, fork, is_forkable

T = TypeVar("T")
WAIT_SECONDS = 60.0
RARELY = {"GOGC": "400"}
"""For a Go program that has memory: it collects garbage rarely, which is a tenth to a fifth of its CPU time."""
LIGHTLY = tuple(
    word
    for component in ("etcd", "apiServer", "controllerManager", "scheduler")
    for name, value in RARELY.items()
    for word in ("--set", f"{component}.env.{name}={value}")
)
"""The same for the components of a cluster, as flags of its first ``up``."""
BRIEFLY = {"GOGC": "off", "LC_MESSAGES": "fr_FR.UTF-8"}
"""For helm and kubectl, which end soon: they collect no garbage, and unpack the smaller of two lists of translations.

They compress and read all messages of kubectl in a language when they start, a third of what a start costs
(``findings/kubectl-translations.sh``); in French there are few, and none in what tests read.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str


def run(*argv: str, environ: dict[str, str] | None = None, stdin: str = "", seconds: float = 300.0) -> Done:
    """Run a command to its end; one that does not end fails the test with the last that it said."""
    given = os.environ if environ is None else environ
    if is_forkable(argv, given):
        return _forked(argv, given, stdin, seconds)
    try:
        ended = subprocess.run(
            argv, env=given, input=stdin, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        last = (error.stderr or b"").decode(errors="replace")[-2000:]
        raise AssertionError(f"{argv[0]} did not end within {seconds:.0f} s; its last words:\n{last}") from None
    return Done(code=ended.returncode, out=ended.stdout, err=ended.stderr)


def _forked(argv: Sequence[str], environ: Mapping[str, str], stdin: str, seconds: float) -> Done:
    with ExitStack() as stack:
        given, out, err = (stack.enter_context(TemporaryFile()) for _ in range(3))
        given.write(stdin.encode())
        given.seek(0)
        process = fork(argv, env=environ, stdin=given, stdout=out, stderr=err)
        try:
            code = process.wait(seconds)
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        return Done(code=code, out=out.read().decode(), err=err.read().decode())


def wait_for(what: str, look: Callable[[], T | None], *, seconds: float = WAIT_SECONDS) -> T:
    """Look again and again until there is something, and return it; what never comes fails the test by its name."""
    began = looked = time.monotonic()
    while not (found := look()):
        now = time.monotonic()
        if now - began > seconds:
            raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")
        # NB: a look often starts a program: without a rest they would take the processor from what is waited for.
        time.sleep(min(0.5, max(0.1, 3 * (now - looked))))
        looked = time.monotonic()
    return found


@dataclass(frozen=True, kw_only=True)
class LocalCluster:
    """A cluster by name, and the commands that a user has for it."""

    name: str
    state: Path

    @property
    def home(self) -> ClusterHome:
        """Its files."""
        return ClusterHome(root=self.state / "autox" / "clusters", name=self.name)

    @cached_property
    def objects(self) -> Objects:
        """Its objects, as the administrator sees them."""
        return Objects(self.home.kubeconfig)

    @property
    def environ(self) -> dict[str, str]:
        """The environment of commands on it."""
        return {**os.environ, "XDG_STATE_HOME": str(self.state), **self.home.variables}

    def autox(self, *argv: str) -> Done:
        """``autox cluster ARGV… --name NAME``."""
        return run(*self.command(*argv), environ=self.environ)

    def command(self, *argv: str) -> list[str]:
        """The command line of ``autox cluster ARGV… --name NAME``."""
        return [*AUTOX, "cluster", *argv, "--name", self.name]

    def up(self, *argv: str) -> Done:
        """Bring it up; a failure fails the test with what was printed."""
        done = self.autox("up", *argv)
        assert done.code == 0, done.err + done.out
        return done

    def down(self) -> Done:
        """Take it down; a failure fails the test with what was printed."""
        done = self.autox("down")
        assert done.code == 0, done.err + done.out
        return done

    def status(self) -> dict[str, Any]:
        """What ``status -o json`` says."""
        answer: dict[str, Any] = json.loads(self.autox("status", "-o", "json").out)
        return answer

    def pids(self) -> dict[str, int]:
        """The process of each component that runs, as the kernel has it."""
        # NB: a child that has not executed its program yet looks like its parent.
        return {name: each.pid for name, each in components_of(find(self.home.directory)).items()}

    def processes(self) -> list[psutil.Process]:
        """Every process of the cluster, containers included."""
        return [each.process for each in find(self.home.directory)]

    def rest(self) -> None:
        """Stop all of it in its tracks until it is woken."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    def wake(self) -> None:
        """Let all of it go on."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def kubectl(self, *argv: str, stdin: str = "") -> str:
        """Run kubectl on it and return what it printed; a failure fails the test."""
        done = run("kubectl", *argv, environ=self.with_programs(), stdin=stdin)
        assert done.code == 0, f"kubectl {' '.join(argv)}: {done.err}{done.out}"
        return done.out

    def get(self, *argv: str) -> dict[str, Any]:
        """What ``kubectl get ARGV… -o json`` prints."""
        return self.objects.get(*argv)

    def apply(self, *objects: dict[str, Any]) -> None:
        """Make objects be as these say."""
        self.objects.apply(*objects)

    def helm(self, *argv: str) -> Done:
        """Run helm on it."""
        # NB: the API server itself refuses what it does not know; that helm reads all of its schemas first is half of
        # helm's CPU time.
        unread = ("--disable-openapi-validation",) if argv[0] in ("install", "upgrade") else ()
        return run("helm", *argv, *unread, environ=self.with_programs())

    def with_programs(self) -> dict[str, str]:
        """The environment that ``autox cluster env`` tells users to have."""
        return {**self.environ, **BRIEFLY, "PATH": f"{self.home.programs}{os.pathsep}{os.environ['PATH']}"}
