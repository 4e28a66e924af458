"""What the Node object of a virtual node says."""

from datetime import UTC, datetime, timedelta

import pytest

from autox.nodes.node.nodeobject import Machine, node_object, node_status, this_machine
from autox.nodes.node.nodeview import node_from
from autox.nodes.provider import NodeSpec

NOW = datetime(2026, 11, 22, 3, 4, 5, 999_999, tzinfo=UTC)
MACHINE = Machine(architecture="amd64", kernel_version="6.18", os_image="Linux", machine_id="m", boot_id="b")
SPEC = NodeSpec(
    name="a-node-0",
    capacity={"cpu": "2", "memory": "8Gi", "pods": "110"},
    addresses={"InternalIP": "127.5.0.1", "Hostname": "a-node-0"},
    labels={"example.com/rack": "r1", "kubernetes.io/os": "plan9"},
    kubelet_port=10250,
)


def test_a_new_node_can_be_scheduled_to_at_once() -> None:
    """Ready, under no pressure, all of its capacity allocatable, no taint."""
    node = node_object(SPEC, provider="process", machine=MACHINE, now=NOW)

    conditions = {each["type"]: each["status"] for each in node["status"]["conditions"]}
    assert conditions == {
        "MemoryPressure": "False",
        "DiskPressure": "False",
        "PIDPressure": "False",
        "NetworkUnavailable": "False",
        "Ready": "True",
    }
    assert node["status"]["allocatable"] == node["status"]["capacity"] == SPEC.capacity
    assert "spec" not in node


def test_a_node_is_tainted_from_its_first_moment() -> None:
    """Nothing lands on a node of a load test before its taint is there."""
    taint = {"key": "example.com/only", "effect": "NoSchedule"}
    spec = NodeSpec(name="v", capacity={}, addresses={}, taints=(taint,))

    assert node_object(spec, provider="mock", machine=MACHINE, now=NOW)["spec"] == {"taints": [taint]}


def test_a_node_carries_the_labels_that_the_scheduler_looks_for() -> None:
    """Host name, system, architecture and provider; the provider's own labels cannot forge them."""
    node = node_object(SPEC, provider="process", machine=MACHINE, now=NOW)

    assert node["metadata"]["labels"] == {
        "example.com/rack": "r1",
        "kubernetes.io/hostname": "a-node-0",
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "autox.dev/provider": "process",
    }


def test_a_node_says_where_its_kubelet_is() -> None:
    """``kubectl logs`` finds address and port in the Node, and no port where nothing listens."""
    with_port = node_object(SPEC, provider="process", machine=MACHINE, now=NOW)["status"]
    without = node_object(NodeSpec(name="v", capacity={}, addresses={}), provider="mock", machine=MACHINE, now=NOW)[
        "status"
    ]

    assert with_port["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 10250}}
    assert {"type": "InternalIP", "address": "127.5.0.1"} in with_port["addresses"]
    assert "daemonEndpoints" not in without


def test_a_heartbeat_moves_only_the_heartbeat_time() -> None:
    """Since when a node is Ready does not change because it says so again."""
    first = node_status(SPEC, provider="process", machine=MACHINE, observed=(), now=NOW)
    later = NOW + timedelta(minutes=5)
    second = node_status(
        SPEC, provider="process", machine=MACHINE, observed=node_from({"status": first}).turns(), now=later
    )

    assert {each["lastTransitionTime"] for each in second["conditions"]} == {"2026-11-22T03:04:05Z"}
    assert {each["lastHeartbeatTime"] for each in second["conditions"]} == {"2026-11-22T03:09:05Z"}


def test_a_node_that_was_given_up_turns_ready_anew() -> None:
    """After ``Unknown``, Ready since now, while what never changed keeps its time."""
    given_up = [
        {"type": "Ready", "status": "Unknown", "lastTransitionTime": "2026-11-22T01:00:00Z"},
        {"type": "DiskPressure", "status": "False", "lastTransitionTime": "2026-11-20T00:00:00Z"},
    ]
    observed = node_from({"status": {"conditions": given_up}}).turns()

    status = node_status(SPEC, provider="process", machine=MACHINE, observed=observed, now=NOW)

    since = {each["type"]: each["lastTransitionTime"] for each in status["conditions"]}
    assert (since["Ready"], since["DiskPressure"]) == ("2026-11-22T03:04:05Z", "2026-11-20T00:00:00Z")


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [("Ready", "Unknown", True), ("Ready", "False", True), ("MemoryPressure", "True", True), ("Custom", "True", False)],
)
def test_a_node_is_written_when_it_says_something_wrong(kind: str, status: str, expected: bool) -> None:  # noqa: FBT001  - a table
    """What the node lifecycle controller or a person made of it is put right; foreign conditions are left alone."""
    conditions = node_status(SPEC, provider="mock", machine=MACHINE, observed=(), now=NOW)["conditions"]
    changed = [each for each in conditions if each["type"] != kind] + [{"type": kind, "status": status}]

    assert node_from({"status": {"conditions": changed}}).needs_heartbeat() is expected


def test_a_status_just_written_needs_no_heartbeat() -> None:
    """Or every node would write its status for ever."""
    written = node_object(SPEC, provider="mock", machine=MACHINE, now=NOW)

    assert not node_from(written).needs_heartbeat()


@pytest.mark.parametrize(
    "metadata",
    [{}, {"labels": None}, {"labels": {}}, {"labels": {"autox.dev/provider": "process"}}, {"labels": {"type": "kwok"}}],
)
def test_a_node_without_our_label_is_not_ours(metadata: dict[str, object]) -> None:
    """A node of another provider, of KWOK or of a real kubelet is never taken over."""
    assert not node_from({"metadata": metadata}).is_ours("mock")


def test_the_machine_tells_what_it_is() -> None:
    """Architecture in the words of Go, kernel and system as they are."""
    machine = this_machine()

    assert machine.architecture not in {"", "x86_64", "aarch64"}
    assert machine.kernel_version
    assert machine.os_image
