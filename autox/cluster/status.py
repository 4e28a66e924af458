"""What is true of a cluster now: read from the kernel and asked of the components, never from a record.

A cluster is ``up`` when everything it was asked for runs and is ready, ``down`` when nothing runs, and ``degraded``
in between. Processes whose cluster has lost its directory are told too, so that ``down`` can be pointed at them.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from autox.cluster.administrator import Administrator
from autox.cluster.binaries.tools import Tool
from autox.cluster.component import Component
from autox.cluster.containerd.addresses import node_address
from autox.cluster.files import room
from autox.cluster.health import Health, node_troubles
from autox.cluster.home import ClusterHome
from autox.cluster.identities import containerd_node_name, node_names
from autox.cluster.plan import Plan
from autox.cluster.processes import Running, components_of, find
from autox.cluster.spec import Runtime
from autox.cluster.state import ClusterState, read_state

SEGMENT_BYTES = 64_000_000
"""So much room etcd wants at a time, and ends where there is less."""


class Phase(StrEnum):
    """A cluster in one word."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentStatus:
    """One component as found.

    Attributes:
        trouble: why it is not ready, empty when it is.
        pid: of its process, if there is one.
        address: where it listens.
        memory: resident bytes.
        seconds: how long it has been running.
    """

    name: str
    trouble: str
    address: str
    pid: int | None = None
    memory: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStatus:
    """A cluster as found.

    Attributes:
        nodes: each node that runs pods and why it is not ready (empty when it is).
        strays: pids of processes of this cluster that belong to no component and no node.
        containers: how many processes of pods run.
        room: bytes that are free where its files are; None if nothing is wrong with it, or there is enough.
    """

    name: str
    phase: Phase
    server: str = ""
    kubeconfig: str = ""
    components: tuple[ComponentStatus, ...] = ()
    nodes: Mapping[str, str]
    strays: tuple[int, ...] = ()
    containers: int = 0
    room: int | None = None
    versions: Mapping[str, str]


async def status(home: ClusterHome, *, environ: Mapping[str, str] = os.environ) -> ClusterStatus:
    """Look at a cluster; never changes anything."""
    running = find(home.directory)
    state = read_state(home)
    if state is None:
        phase = Phase.DEGRADED if running else Phase.DOWN if home.directory.exists() else Phase.ABSENT
        strays = tuple(each.pid for each in running)
        return ClusterStatus(name=home.name, phase=phase, strays=strays, nodes={}, versions={})
    components = {each.name: each for each in _plan(home, state, environ).components()}
    processes = components_of(running)
    administrator = Administrator(home)
    troubles = await Health(home, administrator).troubles(components, processes)
    statuses = tuple(
        _component_status(component, state, processes.get(name), troubles[name])
        for name, component in components.items()
    )
    nodes = await _nodes(administrator, state, reachable=not troubles["apiServer"])
    ours = {each.pid for name, each in processes.items() if name in components}
    containers = [each.pid for each in running if not each.component]
    strays = tuple(each.pid for each in running if each.pid not in ours and each.component)
    whole = not any(troubles.values()) and not any(nodes.values()) and not strays
    return ClusterStatus(
        name=home.name,
        phase=Phase.UP if whole else Phase.DEGRADED if running else Phase.DOWN,
        server=state.network.url("apiServer"),
        kubeconfig=str(home.kubeconfig),
        components=statuses,
        nodes=nodes,
        strays=strays,
        containers=len(containers),
        room=None if whole or (free := room(home.directory)) >= SEGMENT_BYTES else free,
        versions=state.versions,
    )


def _plan(home: ClusterHome, state: ClusterState, environ: Mapping[str, str]) -> Plan:
    # The binaries decide the command lines but not the names and addresses, which are all that status needs.
    binaries = {tool.value: Path(tool) for tool in Tool}
    return Plan(spec=state.spec, home=home, network=state.network, binaries=binaries, environ=environ)


def _component_status(
    component: Component, state: ClusterState, running: Running | None, trouble: str
) -> ComponentStatus:
    network = state.network
    listener = next(iter(component.listeners), "")
    address = f"{network.host(listener)}:{network.ports[listener]}" if listener else node_address(network.block)
    bare = ComponentStatus(name=component.name, trouble=trouble, address=address)
    if running is None:
        return bare
    try:
        return ComponentStatus(
            name=component.name,
            trouble=trouble,
            address=address,
            pid=running.pid,
            memory=running.process.memory_info().rss,
            seconds=max(0.0, time.time() - running.process.create_time()),
        )
    except psutil.Error:
        return ComponentStatus(name=component.name, trouble="not running", address=address)


async def _nodes(administrator: Administrator, state: ClusterState, *, reachable: bool) -> dict[str, str]:
    names = node_names(state.spec.name, state.spec.nodes)
    if state.spec.runtime is Runtime.CONTAINERD:
        names.append(containerd_node_name(state.spec.name))
    if not reachable:
        return dict.fromkeys(names, "unknown: the API server does not answer")
    return await node_troubles(administrator, state.network.url("apiServer"), names)
