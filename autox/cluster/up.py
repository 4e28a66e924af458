"""Bring a cluster up, or heal it, or change it: one converging path for all three.

Each ``up`` compares what should run with what does and starts, restarts or ends just the difference, under the
cluster's lock. It can be killed at any moment: the next one finds the truth in the kernel and goes on from there.
"""

import asyncio
import datetime as dt
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from autox.cluster import network as networks
from autox.cluster.administrator import Administrator
from autox.cluster.bootstrap import grant, remove_nodes, wait_until_pods_can_run
from autox.cluster.component import Component
from autox.cluster.containerd import cgroups, requirements
from autox.cluster.containerd.addresses import conflicting_route, node_range
from autox.cluster.containerd.images import write_pause_image
from autox.cluster.containerd.layout import Layout
from autox.cluster.files import link, private_directory, write_private
from autox.cluster.health import POLL_SECONDS, Health
from autox.cluster.home import ClusterHome, homes
from autox.cluster.identities import containerd_node_name, identities, node_names, write_kubeconfigs
from autox.cluster.locking import locked
from autox.cluster.logs import is_disk_full, last_words, written
from autox.cluster.network import BLOCKS, Network, Reservations, bindable, present
from autox.cluster.pki import Pki
from autox.cluster.plan import Plan
from autox.cluster.processes import Running, components_of, end, find, start
from autox.cluster.programs import check_data
from autox.cluster.spec import CONTAINERD_NODE, ClusterSpec, Runtime
from autox.cluster.state import ClusterState, Overrides, read_state, write_state
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.errors import ConfigurationError, DeadlineError, PermanentError

READY_SECONDS = 120.0
HANG_SECONDS = 15.0
STOP_SECONDS = 5.0
PORT_ATTEMPTS = 5
ROUTES = Path("/proc/net/route")

Say = Callable[[str], None]


class ComponentExitedError(PermanentError):
    """A component ended instead of becoming ready."""

    def __init__(self, component: Component, log: Path, *, since: int = 0) -> None:
        """Tell why, by what it wrote.

        Args:
            component: the one that ended.
            log: its own, two levels below the directory whose disk may be full.
            since: bytes of it that were there before it was started.
        """
        said = written(log, since=since)
        place = log.parent.parent
        full = f": the disk of {place} is full" if is_disk_full(said) else ""
        room = "make room there, then run `autox cluster up` again; " if full else ""
        super().__init__(
            f"{component.name} ended before it was ready{full}; its last words:\n{last_words(said)}",
            hint=f"{room}the whole log is {log}",
        )
        self.component = component


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one ``up`` was asked for.

    Attributes:
        overrides: what is asked for.
        binaries: path of each program by its own name.
        versions: version of each program, for ``status``.
        chosen: the paths of those that the user chose; remembered for the next ``up``.
        environ: the caller's environment, of which components inherit a few names.
    """

    home: ClusterHome
    binaries: Mapping[str, Path]
    versions: Mapping[str, str]
    chosen: Mapping[str, str]
    environ: Mapping[str, str]
    overrides: Overrides


async def up(request: Request, *, say: Say) -> ClusterState:
    """Bring the cluster to what was asked for and wait until pods can run on it.

    Raises:
        AutoxError: what was wrong, where, and what to do; whatever was reached stays and the next ``up`` goes on.
    """
    home = request.home
    async with locked(home.directory, create=True, waiting=lambda: say("waiting for another up or down of it to end")):
        recorded = read_state(home)
        check_data(home, recorded, request.versions)
        spec = request.overrides.spec(home)
        if spec.runtime is Runtime.CONTAINERD:
            requirements.check(places=[home.directory, *request.binaries.values(), Path(sys.executable)])
        with closing(Reservations()) as reservations:
            network = recorded.network if recorded else await _new_network(home, reservations)
            network = replace(network, routed=spec.runtime is Runtime.CONTAINERD)
            _check_routes(home, network)
            return await _converged(request, spec, network, say=say)


async def _converged(request: Request, spec: ClusterSpec, network: Network, *, say: Say) -> ClusterState:
    """Converge; a component whose port is taken under its hands gets another one."""
    home = request.home
    for _ in range(PORT_ATTEMPTS):
        network = _with_free_ports(home, network)
        state = ClusterState(spec=spec, network=network, versions=request.versions, chosen=request.chosen)
        try:
            await _converge(request, state, say=say)
        except ComponentExitedError as error:
            if all(bindable(network.host(each), network.ports[each]) for each in error.component.listeners):
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
        taken |= {block for block in BLOCKS if _conflicting_route(home, block)}
        network = networks.choose(str(home.directory), taken=taken, bindable=bindable, reserve=reservations.reserve)
        write_state(home, ClusterState(spec=ClusterSpec(name=home.name), network=network, versions={}))
        return network


def _conflicting_route(home: ClusterHome, block: int) -> str:
    routes = ROUTES.read_text() if ROUTES.exists() else ""
    return conflicting_route(routes, block, link=Layout(home.directory).link)


def _check_routes(home: ClusterHome, network: Network) -> None:
    device = _conflicting_route(home, network.block) if network.routed else ""
    if device:
        raise ConfigurationError(
            f"the addresses of a containerd node, {node_range(network.block)}, are reached over {device} already",
            hint="bring the cluster up under another name, which gives it other addresses",
        )


def _with_free_ports(home: ClusterHome, network: Network) -> Network:
    """Other ports for components that are not running and whose recorded port somebody else took."""
    running = components_of(find(home.directory))
    free = [
        listener for listener in network.ports if ("etcd" if listener.startswith("etcd") else listener) not in running
    ]
    return networks.with_free_ports(network, free, bindable=bindable)


async def _converge(request: Request, state: ClusterState, *, say: Say) -> None:
    home, spec, network = request.home, state.spec, state.network
    process_nodes = node_names(spec.name, spec.nodes)
    containerd_node = containerd_node_name(spec.name) if spec.runtime is Runtime.CONTAINERD else ""
    write_state(home, state)
    known = identities(network, process_nodes, containerd_node=containerd_node)
    Pki(home.pki).ensure(known, now=dt.datetime.now(dt.UTC))
    write_kubeconfigs(home, network, process_nodes, containerd_node=containerd_node)
    for program, path in request.binaries.items():
        link(home.programs / program, path)
    private_directory(home.nodes)
    plan = Plan(spec=spec, home=home, network=network, binaries=request.binaries, environ=request.environ)
    write_private(home.nodes_config, json.dumps(plan.nodes_config(), indent=2, sort_keys=True).encode())
    wanted = {component.name: component for component in plan.components()}
    kept = await _end_all_but(wanted, home=home, say=say)
    nodes = [*process_nodes, containerd_node] if containerd_node else process_nodes
    if containerd_node:
        for path, text in plan.containerd_files().items():
            write_private(path, text.encode())
        write_pause_image(Layout(home.directory).pause)
    else:
        await asyncio.to_thread(cgroups.remove, Layout(home.directory).cgroup)

    starter = _Starter(home=home, health=Health(home, Administrator(home)), running=kept, say=say)
    if containerd_node:
        await starter.has_link(wanted[CONTAINERD_NODE], network)
    await starter.all_ready([wanted["etcd"], wanted["apiServer"]])
    async with KubeClient(from_kubeconfig(home.kubeconfig)) as kube:
        await grant(kube, dns=bool(containerd_node))
        await starter.all_ready([each for name, each in wanted.items() if name not in ("etcd", "apiServer")])
        if gone := await remove_nodes(kube, spec.name, keep=nodes):
            say(f"removed, with their pods: {', '.join(gone)}")
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
    """Starts the components that do not run and waits for them.

    Attributes:
        running: follows what it does.
        started: what it started itself, and how long its log was then, in bytes.
    """

    home: ClusterHome
    health: Health
    running: dict[str, Running]
    say: Say
    started: dict[str, int] = field(default_factory=dict)

    async def has_link(self, node: Component, network: Network) -> None:
        """Start the containerd node if it does not run, and wait until this machine has its address on the link.

        Raises:
            ComponentExitedError: it ended. DeadlineError: no link was made.
        """
        if node.name not in self.running:
            self._start(node)
        host = network.host("apiServer")
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not present(host):
                    if self.running[node.name].has_ended():
                        raise self._exited(node)
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError as error:
            raise DeadlineError(
                f"after {READY_SECONDS:.0f} s this machine has no address {host}",
                hint=f"see `autox cluster logs {node.name} --name {self.home.name}`",
            ) from error

    async def all_ready(self, components: Sequence[Component]) -> None:
        """Start those that do not run yet, in order, then wait for all of them together.

        Raises:
            ComponentExitedError: one ended. DeadlineError: one did not become ready.
        """
        for component in components:
            if component.name not in self.running:
                self._start(component)
        try:
            async with asyncio.TaskGroup() as group:
                for component in components:
                    group.create_task(self._ready(component, may_restart=component.name not in self.started))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    def _start(self, component: Component) -> None:
        log = self.home.log(component.name)
        self.started[component.name] = log.stat().st_size if log.is_file() else 0
        self.running[component.name] = start(component, directory=self.home.directory, log=log)

    def _exited(self, component: Component) -> ComponentExitedError:
        return ComponentExitedError(component, self.home.log(component.name), since=self.started.get(component.name, 0))

    async def _ready(self, component: Component, *, may_restart: bool) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        trouble = "not asked yet"
        while clock() < began + READY_SECONDS:
            running = self.running[component.name]
            if running.has_ended():
                raise self._exited(component)
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
