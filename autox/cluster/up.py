"""Bring a cluster up, or heal it, or change it: one converging path for all three.

Each ``up`` compares what should run with what does and starts, restarts or ends just the difference, under the
cluster's lock. It can be killed at any moment: the next one finds the truth in the kernel and goes on from there.
"""

import asyncio
import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from autox.cluster import network as networks
from autox.cluster.bootstrap import grant, wait_until_pods_can_run
from autox.cluster.components import Component, Plan
from autox.cluster.files import link, private_directory, write_private
from autox.cluster.health import POLL_SECONDS, Health
from autox.cluster.home import ClusterHome, homes
from autox.cluster.identities import identities, node_names, write_kubeconfigs
from autox.cluster.locking import locked
from autox.cluster.logs import tail
from autox.cluster.network import Network, Reservations, bindable
from autox.cluster.pki import Pki
from autox.cluster.processes import Running, components_of, end, find, start
from autox.cluster.spec import ClusterSpec
from autox.cluster.state import ClusterState, read_state, write_state
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.errors import DeadlineError, PermanentError

READY_SECONDS = 120.0
HANG_SECONDS = 15.0
STOP_SECONDS = 5.0
PORT_ATTEMPTS = 5

Say = Callable[[str], None]


class ComponentExitedError(PermanentError):
    """A component ended instead of becoming ready."""

    def __init__(self, component: Component, log: Path) -> None:
        super().__init__(
            f"{component.name} ended before it was ready; its last words:\n{tail(log, lines=5)}",
            hint=f"the whole log is {log}",
        )
        self.component = component


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one ``up`` was asked for.

    Attributes:
        nodes: how many process nodes; nothing keeps what the cluster has (1 for a new one).
        assignments: ``--set`` arguments.
        binaries: path of each program by its own name.
        versions: version of each program, for ``status``.
        environ: the caller's environment, of which components inherit a few names.
    """

    home: ClusterHome
    binaries: Mapping[str, Path]
    versions: Mapping[str, str]
    environ: Mapping[str, str]
    nodes: int | None = None
    assignments: Sequence[str] = ()


async def up(request: Request, *, say: Say) -> ClusterState:
    """Bring the cluster to what was asked for and wait until pods can run on it.

    Raises:
        AutoxError: what was wrong, where, and what to do; whatever was reached stays and the next ``up`` goes on.
    """
    home = request.home
    async with locked(home.directory, create=True, waiting=lambda: say("waiting for another up or down of it to end")):
        recorded = read_state(home)
        spec = (recorded.spec if recorded else ClusterSpec(name=home.name)).changed(
            nodes=request.nodes, assignments=request.assignments
        )
        with closing(Reservations()) as reservations:
            network = recorded.network if recorded else await _new_network(home, reservations)
            return await _converged(request, spec, network, say=say)


async def _converged(request: Request, spec: ClusterSpec, network: Network, *, say: Say) -> ClusterState:
    """Converge; a component whose port is taken under its hands gets another one."""
    home = request.home
    for _ in range(PORT_ATTEMPTS):
        network = _with_free_ports(home, network)
        state = ClusterState(spec=spec, network=network, versions=request.versions)
        try:
            await _converge(request, state, say=say)
        except ComponentExitedError as error:
            if all(bindable(network.address, network.ports[each]) for each in error.component.listeners):
                raise
            say(f"{error.component.name}: its port was taken while it started; trying another")
        else:
            return state
    raise PermanentError(
        f"the ports of cluster {home.name} on {network.address} were taken again and again",
        hint="end what takes them, or bring the cluster up under another name",
    )


async def _new_network(home: ClusterHome, reservations: Reservations) -> Network:
    # NB: choosing a block and recording it must be one step, or two new clusters choose the same one.
    async with locked(home.root, create=True, waiting=lambda: None):
        others = [read_state(other) for other in homes(home.root)]
        taken = {other.network.block for other in others if other}
        network = networks.choose(str(home.directory), taken=taken, bindable=bindable, reserve=reservations.reserve)
        write_state(home, ClusterState(spec=ClusterSpec(name=home.name), network=network, versions={}))
        return network


def _with_free_ports(home: ClusterHome, network: Network) -> Network:
    """Other ports for components that are not running and whose recorded port somebody else took."""
    running = components_of(find(home.directory))
    free = [
        listener for listener in network.ports if ("etcd" if listener.startswith("etcd") else listener) not in running
    ]
    return networks.with_free_ports(network, free, bindable=bindable)


async def _converge(request: Request, state: ClusterState, *, say: Say) -> None:
    home, spec, network = request.home, state.spec, state.network
    nodes = node_names(spec.name, spec.nodes)
    write_state(home, state)
    Pki(home.pki).ensure(identities(network, nodes), now=dt.datetime.now(dt.UTC))
    write_kubeconfigs(home, network, nodes)
    for program, path in request.binaries.items():
        link(home.programs / program, path)
    private_directory(home.nodes)
    plan = Plan(spec=spec, home=home, network=network, binaries=request.binaries, environ=request.environ)
    write_private(home.nodes_config, json.dumps(plan.nodes_config(), indent=2, sort_keys=True).encode())
    wanted = {component.name: component for component in plan.components()}
    kept = await _end_all_but(wanted, home=home, say=say)

    async with Health(home) as health:
        starter = _Starter(home=home, health=health, running=kept, say=say)
        await starter.all_ready([wanted["etcd"], wanted["apiServer"]])
        async with KubeClient(from_kubeconfig(home.kubeconfig)) as kube:
            await grant(kube)
            await starter.all_ready([each for name, each in wanted.items() if name not in ("etcd", "apiServer")])
            await wait_until_pods_can_run(kube, nodes, seconds=READY_SECONDS)
            if nodes:
                say(f"ready to run pods: {', '.join(nodes)}")


async def _end_all_but(wanted: Mapping[str, Component], *, home: ClusterHome, say: Say) -> dict[str, Running]:
    """End strays and components that were started differently; return the components that stay."""
    running = find(home.directory)
    first = components_of(running)
    kept = {
        name: process for name, process in first.items() if name in wanted and process.digest == wanted[name].digest
    }
    containers = {each.pid for each in running if not each.component and "nodes" in wanted}
    stay = {each.pid for each in kept.values()} | containers
    for name in first.keys() & wanted.keys() - kept.keys():
        say(f"{name} changes: restarting it")
    await end([each for each in running if each.pid not in stay], grace=STOP_SECONDS)
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class _Starter:
    """Starts the components that do not run and waits for them; ``running`` follows what it does."""

    home: ClusterHome
    health: Health
    running: dict[str, Running]
    say: Say

    async def all_ready(self, components: Sequence[Component]) -> None:
        """Start those that do not run yet, in order, then wait for all of them together.

        Raises:
            ComponentExitedError: one ended. DeadlineError: one did not become ready.
        """
        found = [component.name for component in components if component.name in self.running]
        for component in components:
            if component.name not in found:
                self._start(component)
        try:
            async with asyncio.TaskGroup() as group:
                for component in components:
                    group.create_task(self._ready(component, may_restart=component.name in found))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    def _start(self, component: Component) -> None:
        self.running[component.name] = start(
            component, directory=self.home.directory, log=self.home.log(component.name)
        )

    async def _ready(self, component: Component, *, may_restart: bool) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        trouble = "not asked yet"
        while clock() < began + READY_SECONDS:
            running = self.running[component.name]
            if running.has_ended():
                raise ComponentExitedError(component, self.home.log(component.name))
            trouble = await self.health.trouble(component, running)
            if not trouble:
                self.say(f"{component.name} ready")
                return
            # NB: what ran before us and hangs (stopped, deadlocked) is worth one restart; what we started is not.
            if may_restart and clock() > began + HANG_SECONDS:
                self.say(f"{component.name} {trouble}: restarting it")
                await end([running], grace=0)
                self._start(component)
                may_restart = False
            await asyncio.sleep(POLL_SECONDS)
        raise DeadlineError(
            f"{component.name} {trouble} after {READY_SECONDS:.0f} s",
            hint=f"see `autox cluster logs {component.name} --name {self.home.name}`",
        )
