"""The lease that is written for a node, put together by hand."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from autox.nodes.node.leases import lease_body

OWNER = {"apiVersion": "v1", "kind": "Node", "uid": "u-1"}
NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize("version", ["", "123"])
@pytest.mark.parametrize("node", ["a", "virtual-4999", 'no"name\\', "ü"])
def test_it_is_the_lease_of_the_node(node: str, version: str) -> None:
    """With its owner, and with a version if it is there already; any name stays a string."""
    metadata = {"name": node, "namespace": "kube-node-lease", "ownerReferences": [OWNER | {"name": node}]}

    assert json.loads(lease_body(node, node_uid="u-1", duration=40, resource_version=version, now=NOW)) == {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata | ({"resourceVersion": version} if version else {}),
        "spec": {"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": "2026-01-02T03:04:05.000006Z"},
    }


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (NOW.replace(microsecond=0), "2026-01-02T03:04:05.000000Z"),
        (NOW.replace(microsecond=999_999), "2026-01-02T03:04:05.999999Z"),
        (NOW.astimezone(timezone(timedelta(hours=-8))), "2026-01-02T03:04:05.000006Z"),
        (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "9999-12-31T23:59:59.999999Z"),
        (datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC), "1969-12-31T23:59:59.000001Z"),
    ],
)
def test_a_time_is_told_to_the_microsecond(now: datetime, told: str) -> None:
    """In UTC, and never a second off."""
    body = json.loads(lease_body("a", node_uid="u", duration=40, resource_version="", now=now))

    assert body["spec"]["renewTime"] == told
