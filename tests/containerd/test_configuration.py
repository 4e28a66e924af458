"""From a node's settings to the files and the programs it runs with."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from autox.cluster.containerd import configuration
from autox.cluster.containerd.layout import Layout
from autox.cluster.home import ClusterHome
from autox.cluster.network import Network
from autox.cluster.plan import Plan
from autox.cluster.spec import CONTAINERD_NODE, ClusterSpec, Runtime
from autox.model.errors import ConfigurationError

HOME = ClusterHome(root=Path("/state"), name="a")
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns")


def plan(*assignments: str, block: int = 70) -> Plan:
    """The plan of a cluster with a containerd node."""
    return Plan(
        spec=ClusterSpec(name="a").changed(nodes=0, runtime=Runtime.CONTAINERD, assignments=assignments),
        home=HOME,
        network=Network(block=block, routed=True),
        binaries={program: Path("/programs") / program for program in PROGRAMS},
        environ={},
    )


def file(name: str, *assignments: str) -> str:
    """The content of one file of the node."""
    return plan(*assignments).containerd_files()[Layout(HOME.directory).directory / name]


def argv(name: str, *assignments: str) -> tuple[str, ...]:
    """The command line of one program of the node."""
    config = json.loads(plan(*assignments).containerd_files()[Layout(HOME.directory).config])
    return next(program.argv for program in configuration.programs(config) if program.name == name)


def test_the_node_comes_before_the_api_server_that_listens_on_its_link() -> None:
    """Without the node's link the API server would have no address to listen at."""
    components = plan().components()

    assert [component.name for component in components][:3] == [CONTAINERD_NODE, "etcd", "apiServer"]
    assert "--bind-address=100.70.255.1" in components[2].argv
    assert "--bind-address=127.70.0.1" in components[3].argv


def test_a_cluster_without_the_node_stays_on_loopback() -> None:
    """Who asks for no containerd node has nothing that anybody but this machine can reach."""
    made = replace(plan(), spec=ClusterSpec(name="a"), network=Network(block=70))

    assert CONTAINERD_NODE not in [component.name for component in made.components()]
    assert not any("100.70" in word for component in made.components() for word in component.argv)


def test_programs_are_started_in_the_order_of_their_needs() -> None:
    """The kubelet finds containerd with the image that pods begin with, and the API server."""
    config = json.loads(file("node.json"))
    started = configuration.programs(config)

    assert [program.name for program in started] == ["containerd", "images", "kubelet", "kubeProxy", "coreDNS"]
    assert [program.once for program in started] == [False, True, False, False, False]
    assert {program.after for program in started[2:]} == {"100.70.255.1:6443"}


def test_a_setting_of_the_kubelet_wins() -> None:
    """``--set kubelet.config.PATH`` and ``kubelet.flags.FLAG`` change what autox would have set."""
    changed = json.loads(file("kubelet.json", "kubelet.config.evictionHard.memory.available=1Gi"))
    flags = argv("kubelet", "kubelet.flags.node-labels=a=b", "kubelet.flags.v=4")

    assert changed["evictionHard"] == {"memory": {"available": "1Gi"}}
    assert [word for word in flags if word.startswith("--node-labels")] == ["--node-labels=a=b"]
    assert "--v=4" in flags


def test_a_changed_setting_restarts_the_node_and_nothing_else() -> None:
    """The control plane goes on while the node is started anew."""
    before = {component.name: component.digest for component in plan().components()}
    after = {component.name: component.digest for component in plan("kubeProxy.flags.v=4").components()}

    assert [name for name in before if before[name] != after[name]] == [CONTAINERD_NODE]


@pytest.mark.parametrize("assignment", ["kubeProxy.config.mode=x", "containerd.flags.x=1", "kubelet.env.X=1"])
def test_what_cannot_be_set_is_refused(assignment: str) -> None:
    """A setting that would do nothing is an error that lists what there is."""
    with pytest.raises(ConfigurationError) as error:
        plan(assignment)

    assert "kubelet" in error.value.hint


def test_files_hold_no_secret() -> None:
    """Keys are named by their paths; no file of the node and no command line has one inside."""
    text = "".join(plan().containerd_files().values())

    assert "PRIVATE KEY" not in text
    assert "kubelet-server.key" in text


def test_addresses_with_quotes_in_a_path_stay_whole() -> None:
    """A state directory of any name is written so that containerd reads it back as it is."""
    strange = replace(plan(), home=ClusterHome(root=Path('/tmp/with "quotes" and \\'), name="a"))  # noqa: S108  - a name
    toml = strange.containerd_files()[Layout(strange.home.directory).directory / "containerd.toml"]

    assert r"\"quotes\" and \\" in toml
