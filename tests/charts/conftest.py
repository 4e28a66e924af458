"""What the tests of several charts share."""

import json

import pytest

from autox.api.crds import crds
from tests.clusters import LocalCluster


@pytest.fixture(scope="module")
def served(cluster: LocalCluster) -> LocalCluster:
    """The shared cluster, serving the custom resources."""
    listing = {"apiVersion": "v1", "kind": "List", "items": crds()}
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(listing))
    for crd in crds():
        cluster.kubectl("wait", "--for=condition=Established", f"crd/{crd['metadata']['name']}")
    return cluster
