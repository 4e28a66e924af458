"""Whatever is killed, taken or spoilt: status tells the truth, up heals, down leaves nothing."""

import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from autox.cluster.network import bindable
from tests.clusters import LIGHTLY, LocalCluster, run, wait_for
from tests.forking import fork
from tests.integration.objects import config_map

pytestmark = pytest.mark.integration

COMPONENTS = ("etcd", "apiServer", "controllerManager", "scheduler", "nodes")
KILLED_UPS = 20
UP_SECONDS = 4.5  # of a forked one, which has imported everything
DOWN_SECONDS = (0.1, 0.6)


@pytest.fixture(scope="module")
def victim_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A cluster, not yet up, that each test of this module may break."""
    cluster = LocalCluster(name="victim", state=tmp_path_factory.mktemp("state"))
    try:
        yield cluster
    finally:
        cluster.down()


@pytest.fixture
def victim(victim_of_all: LocalCluster) -> LocalCluster:
    """The one of all, up, whatever the test before left of it, with an object in it."""
    if not victim_of_all.pids().keys() >= {*COMPONENTS}:
        victim_of_all.up(*LIGHTLY)
    victim_of_all.apply(config_map("kept", word="still-here"))
    return victim_of_all


def assert_nothing_left(cluster: LocalCluster) -> None:
    """No process and no file of the cluster is there."""
    assert cluster.processes() == []
    assert not cluster.home.directory.exists()
    assert list(cluster.home.root.glob("*")) == []


def assert_truth(cluster: LocalCluster) -> None:
    """Status names exactly the components that run, by the pids that they have."""
    status = cluster.status()
    said = {each["name"]: each["pid"] for each in status["components"] if each["pid"]}
    alive = cluster.pids()
    assert said == {name: pid for name, pid in alive.items() if name in said or status["components"]}
    if status["phase"] == "up":
        assert set(alive) == set(COMPONENTS)


@pytest.mark.parametrize("component", COMPONENTS)
def test_killed_component(victim: LocalCluster, component: str) -> None:
    """A killed component is named by status, and up starts it again and nothing else."""
    before = victim.pids()
    os.kill(before[component], signal.SIGKILL)
    wait_for("the end of the process", lambda: component not in victim.pids())

    degraded = victim.autox("status")
    assert degraded.code == 3
    assert any(line.startswith(component) and "not running" in line for line in degraded.out.splitlines())

    victim.up()
    after = victim.pids()
    assert victim.status()["phase"] == "up"
    assert {name for name in COMPONENTS if before[name] != after[name]} == {component}


def test_up_of_what_is_up(victim: LocalCluster) -> None:
    """Bringing up a cluster that is up touches no process."""
    before = victim.pids()

    victim.up()

    assert victim.pids() == before


def test_components_killed_together(victim: LocalCluster) -> None:
    """After a crash of the machine, as it were, up brings everything back with the objects that were there."""
    for process in victim.processes():
        process.kill()
    wait_for("the end of all processes", lambda: not victim.processes())
    assert victim.status()["phase"] == "down"

    victim.up()

    assert victim.get("configmap", "kept")["data"] == {"word": "still-here"}


def test_port_taken(victim: LocalCluster) -> None:
    """A component whose port was taken while it was dead gets another one, and kubeconfigs follow."""
    address, port = victim.status()["server"].removeprefix("https://").split(":")
    os.kill(victim.pids()["apiServer"], signal.SIGKILL)
    # NB: a process that ends loses its memory, by which it is found, before its sockets.
    wait_for("the end of the API server", lambda: bindable(address, int(port)))
    with ExitStack() as stack:
        thief = stack.enter_context(socket.create_server((address, int(port))))
        assert thief.getsockname()[1] == int(port)
        assert victim.status()["phase"] == "degraded"

        victim.up()

        status = victim.status()
        assert status["phase"] == "up"
        assert status["server"] != f"https://{address}:{port}"
        assert "victim-node-0" in victim.kubectl("get", "nodes")


def test_spoilt_record(victim: LocalCluster) -> None:
    """A record cut short by a full disk is told truthfully, and made again."""
    victim.home.state.write_text('{"spec": {"no')
    assert victim.status()["phase"] == "degraded"

    victim.up()

    assert victim.status()["phase"] == "up"
    assert victim.get("configmap", "kept")["data"] == {"word": "still-here"}


def test_lost_directory(victim: LocalCluster) -> None:
    """Somebody removes the state directory: status still sees the processes, and down ends them."""
    before = {each.pid for each in victim.processes()}
    shutil.rmtree(victim.home.directory)

    status = victim.status()
    assert status["phase"] == "degraded"
    # NB: the agent of the nodes does not go on for long without its files.
    assert before >= {*status["strays"]} >= {each.pid for each in victim.processes()}
    assert len(before) == len(COMPONENTS)
    assert len(status["strays"]) >= len(COMPONENTS) - 1

    victim.down()
    assert_nothing_left(victim)


def test_two_ups_at_once(own_cluster: LocalCluster) -> None:
    """Two ups of the same name make one cluster, and both say that it is up; down ends all its listeners."""
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: own_cluster.autox("up"), range(2)))

    assert [done.code for done in both] == [0, 0]
    assert sum("waiting for another up" in done.err for done in both) == 1
    assert len([process for process in own_cluster.processes() if process.ppid() != os.getpid()]) == len(COMPONENTS)
    address = own_cluster.status()["server"].removeprefix("https://").split(":")[0]
    assert listeners(address)
    own_cluster.down()
    assert_nothing_left(own_cluster)
    assert listeners(address) == []


def listeners(address: str) -> list[int]:
    """The ports of an address that somebody listens on."""
    sockets = [each.laddr for each in psutil.net_connections("tcp4") if each.status == psutil.CONN_LISTEN]
    return [each.port for each in sockets if each and each.ip == address]


def test_killed_at_random_moments(own_cluster: LocalCluster) -> None:
    """However early or late up is killed, status is true, and up heals or down cleans up from there.

    Nor does a down that is killed at any moment leave anything that a later up or down stumbles over.
    """
    # NB: the seed is printed by pytest when this fails, so that the moments can be had again.
    seed = random.SystemRandom().randrange(1 << 32)
    moments = random.Random(seed)  # noqa: S311  - moments, not secrets
    # One in each twentieth of the start, so that they leave no gap.
    for attempt, part in enumerate(moments.sample(range(KILLED_UPS), KILLED_UPS)):
        moment = 0.1 + (UP_SECONDS - 0.1) * (part + moments.random()) / KILLED_UPS
        kill_during(own_cluster, "up", *LIGHTLY, after=moment)
        context = f"seed {seed}, attempt {attempt}, killed after {moment:.2f} s"
        assert_truth(own_cluster)
        match attempt % 5:
            case 0:
                own_cluster.up()
                assert own_cluster.status()["phase"] == "up", context
                kill_during(own_cluster, "down", after=moments.uniform(*DOWN_SECONDS))
                assert_truth(own_cluster)
            # NB: the two in between go on with what a killed down left, and then killed ups.
            case 3:
                own_cluster.up()
                assert own_cluster.status()["phase"] == "up", context
                own_cluster.down()
                assert_nothing_left(own_cluster)
            case 4:
                own_cluster.down()
                assert_nothing_left(own_cluster)


def kill_during(cluster: LocalCluster, *command: str, after: float) -> None:
    """SIGKILL a command so many seconds after it began."""
    nothing = subprocess.DEVNULL
    running = fork(cluster.command(*command), env=cluster.environ, stdout=nothing, stderr=nothing)
    time.sleep(after)
    running.kill()
    running.wait()


def test_read_only_state(tmp_path: Path) -> None:
    """Where the state cannot be written, up says which path and what to do, and leaves no process."""
    cluster = LocalCluster(name="readonly", state=tmp_path / "state")
    cluster.state.mkdir(mode=0o555)
    command = cluster.command("up")
    if os.geteuid() == 0:
        # NB: permissions do not stop root, a read-only mount does; it is gone with its namespace.
        mount = f"mount -t tmpfs -o ro none {cluster.state} && exec " + shlex.join(command)
        command = ["unshare", "--mount", "sh", "-c", mount]
    done = run(*command, environ=cluster.environ)

    assert done.code == 3, done.err
    assert f"cannot write {cluster.state}" in done.err
    assert "XDG_STATE_HOME" in done.err
    assert "Traceback" not in done.err
    assert cluster.processes() == []
