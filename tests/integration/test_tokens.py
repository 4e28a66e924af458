"""Service-account tokens over time: a clock that is moved, everything else real."""

import time
from pathlib import Path
from typing import Any

import pytest

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.refs import PODS, Resource
from autox.nodes.process.volumes.downward import PodFacts
from autox.nodes.process.volumes.podvolumes import PodVolumes
from autox.nodes.process.volumes.sources import Sources
from tests.clusters import LocalCluster
from tests.integration.objects import pod, shell

pytestmark = pytest.mark.integration

TOKEN_REVIEWS = Resource(
    group="authentication.k8s.io", version="v1", plural="tokenreviews", kind="TokenReview", namespaced=False
)
LIFETIME = 600


async def user_of(kube: KubeClient, token: str) -> dict[str, Any]:
    """Whom the API server takes the bearer of a token for."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    answer: dict[str, Any] = (await kube.create(TOKEN_REVIEWS, body))["status"]
    return answer


async def test_refreshed_token(cluster: LocalCluster, tmp_path: Path) -> None:
    """A projected token is replaced before it ends, by one that authenticates as the same account for the same pod."""
    source = {"serviceAccountToken": {"path": "token", "expirationSeconds": LIFETIME}}
    body = pod(
        "bearer",
        shell("exec sleep 600", volumeMounts=[{"name": "token", "mountPath": "/token"}]),
        volumes=[{"name": "token", "projected": {"sources": [source]}}],
    )
    cluster.apply(body)
    cluster.kubectl("wait", "pod/bearer", "--for=condition=Ready", "--timeout=60s")
    began = now = time.time()
    async with (
        KubeClient(from_kubeconfig(cluster.home.kubeconfig)) as admin,
        KubeClient(from_kubeconfig(cluster.home.identity("shared-node-0"))) as node,
    ):
        facts = PodFacts(
            pod=await admin.get(PODS, "bearer", namespace="default"), pod_ip="127.1.1.1", host_ip="127.1.0.1"
        )
        volumes = PodVolumes(tmp_path, Sources(node), clock=lambda: now)
        file = tmp_path / "volumes" / "token" / "token"
        await volumes.prepare(facts)
        first = file.read_text()

        now = began + 0.5 * LIFETIME
        assert not await volumes.refresh(facts)
        assert file.read_text() == first

        now = began + 0.9 * LIFETIME
        assert await volumes.refresh(facts)
        second = file.read_text()

        assert second != first
        for token in (first, second):
            user = await user_of(admin, token)
            assert user["authenticated"]
            assert user["user"]["username"] == "system:serviceaccount:default:default"
            assert user["user"]["extra"]["authentication.kubernetes.io/pod-name"] == ["bearer"]

        # NB: the API server remembers for ten seconds whom it took a token for, so the last word is a new token's.
        now = began + 1.8 * LIFETIME
        assert await volumes.refresh(facts)
        cluster.kubectl("delete", "pod", "bearer", "--now")
        assert not (await user_of(admin, file.read_text())).get("authenticated")
