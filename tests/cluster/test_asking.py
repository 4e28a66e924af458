"""What a user may ask of a cluster, and what is said to what makes no sense."""

import pytest

from autox.cluster.spec import ClusterSpec, check_name
from autox.model.errors import ConfigurationError


@pytest.mark.parametrize("name", ["a", "autox", "team-a-1", "x" * 40])
def test_good_name(name: str) -> None:
    """A DNS label of at most 40 characters names a cluster."""
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a/b", "../x", "x" * 41, "ä", "a\n"])
def test_bad_name(name: str) -> None:
    """Whatever could leave the state directory or not be part of a node's name is refused, with what to use."""
    with pytest.raises(ConfigurationError, match="cannot be a cluster's name") as refused:
        check_name(name)
    assert "lower-case" in refused.value.hint


def test_set_flags_and_environment() -> None:
    """Settings reach the component they name and no other."""
    spec = ClusterSpec(name="a").changed(
        nodes=None, assignments=["apiServer.flags.max-requests-inflight=7", "etcd.env.GOGC=50"]
    )

    assert spec.flags("apiServer") == {"max-requests-inflight": "7"}
    assert spec.environment("etcd") == {"GOGC": "50"}
    assert spec.flags("etcd") == {}


def test_set_keeps_what_was_set_before() -> None:
    """A second ``up --set`` changes one setting and keeps the others; an empty value takes one back."""
    first = ClusterSpec(name="a").changed(nodes=2, assignments=["etcd.env.A=1", "etcd.env.B=2"])
    second = first.changed(nodes=None, assignments=["etcd.env.A=", "etcd.env.C=a=b"])

    assert second.environment("etcd") == {"B": "2", "C": "a=b"}
    assert second.nodes == 2


def test_node_settings_are_json_where_they_parse() -> None:
    """Numbers, lists and objects go into the node configuration as such, anything else as text."""
    spec = ClusterSpec(name="a").changed(
        nodes=None,
        assignments=[
            "nodes.config.crashLoopBackOff.initialSeconds=1",
            'nodes.config.images=[{"image": "x"}]',
            "nodes.config.note=plain words",
        ],
    )

    assert spec.config("nodes") == {
        "crashLoopBackOff": {"initialSeconds": 1},
        "images": [{"image": "x"}],
        "note": "plain words",
    }


@pytest.mark.parametrize(
    "assignment",
    ["", "x", "apiServer", "apiServer.flags=1", "apiServer.flags.=1", "apiServer.config.x=1", "proxy.flags.v=1"],
)
def test_set_that_names_nothing(assignment: str) -> None:
    """A setting of nothing is refused with the words that would work."""
    with pytest.raises(ConfigurationError, match="not a setting") as refused:
        ClusterSpec(name="a").changed(nodes=None, assignments=[assignment])
    assert "COMPONENT.flags.FLAG=VALUE" in refused.value.hint


def test_set_inside_a_value() -> None:
    """A setting inside another that is set as a whole is refused, since one of them would be lost."""
    with pytest.raises(ConfigurationError, match="is set to a value as a whole"):
        ClusterSpec(name="a").changed(nodes=None, assignments=["nodes.config.a=1", "nodes.config.a.b=2"])


@pytest.mark.parametrize("nodes", [-1, 101])
def test_absurd_number_of_nodes(nodes: int) -> None:
    """Fewer than no nodes, or more processes than a machine has, is refused."""
    with pytest.raises(ConfigurationError, match="--nodes"):
        ClusterSpec(name="a").changed(nodes=nodes, assignments=[])
