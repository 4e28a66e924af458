"""From what was asked for to command lines."""

import json
from dataclasses import replace
from pathlib import Path

from autox.cluster.home import ClusterHome
from autox.cluster.network import Network
from autox.cluster.plan import Plan
from autox.cluster.spec import COMPONENTS, ClusterSpec

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


def plan(*assignments: str, nodes: int = 1, **environ: str) -> Plan:
    """The plan of a cluster with these settings."""
    return Plan(
        spec=ClusterSpec(name="a").changed(nodes=nodes, assignments=assignments),
        home=ClusterHome(root=Path("/state"), name="a"),
        network=Network(block=70),
        binaries={program: Path("/bin") / program for program in PROGRAMS},
        environ=environ,
    )


def digests(made: Plan) -> dict[str, str]:
    """The digest of each component."""
    return {component.name: component.digest for component in made.components()}


def test_every_component() -> None:
    """A cluster has all its components, in the order in which they need each other."""
    assert [component.name for component in plan().components()] == list(COMPONENTS)


def test_no_nodes() -> None:
    """A cluster without nodes is a bare control plane."""
    assert "nodes" not in digests(plan(nodes=0))


def test_a_changed_flag_restarts_one_component() -> None:
    """Changing a flag, a variable or the nodes changes that component and no other."""
    before = digests(plan())
    for assignment, changed in {
        "apiServer.flags.v=4": "apiServer",
        "etcd.env.GOGC=50": "etcd",
        "nodes.config.crashLoopBackOff.initialSeconds=1": "nodes",
    }.items():
        after = digests(plan(assignment))
        assert [name for name in before if before[name] != after[name]] == [changed]


def test_another_address_of_the_api_server_restarts_all_that_talk_to_it() -> None:
    """A component that was started with the old address would look for the API server there for ever."""
    made = plan()
    before, after = digests(made), digests(replace(made, network=replace(made.network, routed=True)))

    assert [name for name in before if before[name] != after[name]] == [
        "apiServer",
        "controllerManager",
        "scheduler",
        "nodes",
    ]


def test_a_given_flag_wins() -> None:
    """A flag that autox sets itself can be set otherwise, and is then there once."""
    api_server = plan("apiServer.flags.allow-privileged=false").components()[1]

    assert [word for word in api_server.argv if word.startswith("--allow-privileged")] == ["--allow-privileged=false"]


def test_environment_does_not_leak() -> None:
    """Of the user's environment components get a few harmless names, never a token that happens to be there."""
    made = plan(HOME="/home/a", PATH="/bin", AWS_SECRET_ACCESS_KEY="hidden")

    for component in made.components():
        assert dict(component.inherited) == {"HOME": "/home/a", "PATH": "/bin"}
        assert "hidden" not in json.dumps(component.argv)


def test_another_shell_restarts_nothing() -> None:
    """An up from a shell with another PATH finds the cluster as it was asked for."""
    assert digests(plan(PATH="/bin")) == digests(plan(PATH="/venv/bin:/bin", HOME="/home/a"))


def test_everything_on_loopback() -> None:
    """No component listens anywhere but on the cluster's own loopback address."""
    for component in plan().components():
        for word in component.argv:
            flag, _, value = word.partition("=")
            if flag.endswith(("address", "urls")):
                assert "127.70.0.1" in value


def test_node_settings_are_merged() -> None:
    """A setting inside the node configuration changes that and keeps the rest."""
    config = plan("nodes.config.kubelet.port=10300", "nodes.config.logs.maxBytes=100000").nodes_config()

    assert config["kubelet"]["port"] == 10300
    assert config["kubelet"]["address"] == "127.70.0.1"
    assert config["logs"] == {"maxBytes": 100000}
    assert config["nodes"] == [{"name": "a-node-0", "kubeconfig": "/state/a/identities/a-node-0.kubeconfig"}]
