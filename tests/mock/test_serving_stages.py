"""Pods that misbehave on mock nodes, served by an agent and seen by another client of a real API server."""

from typing import Any

import pytest

from autox.kube.client import KubeClient
from autox.model.refs import PODS
from tests.mock.agents import AgentProcess, eventually

pytestmark = pytest.mark.integration

POLICIES = {"unlucky": "Never", "hanging": "Never"}
ANNOTATIONS = {
    "crashing": {"crash-seconds": "0"},
    "unlucky": {"failure-probability": "1"},
    "hanging": {"run-seconds": "forever"},
    "slow": {"start-seconds": "1", "ready-seconds": "1"},
    "imageless": {"image-pull-error-seconds": "forever"},
    "flapping": {"flap-seconds": "0", "unready-seconds": "0"},
}


async def test_pods_misbehave_as_they_are_told(agent: AgentProcess, kube: KubeClient, namespace: str) -> None:
    """Each in its own way, side by side, until somebody deletes them."""
    nodes = await agent.start()
    for name, annotations in ANNOTATIONS.items():
        said = {f"autox.dev/{key}": value for key, value in annotations.items()}
        meta = {"name": name, "namespace": namespace, "annotations": said}
        containers = [{"name": "main", "image": "example.com/app:1"}]
        spec = {"nodeName": nodes[0], "containers": containers, "restartPolicy": POLICIES.get(name, "Always")}
        await kube.create(PODS, {"metadata": meta, "spec": spec})

    async def all_did() -> dict[str, dict[str, Any]]:
        pods = {pod["metadata"]["name"]: pod["status"] for pod in (await kube.list(PODS, namespace=namespace)).items}
        containers = {name: (status.get("containerStatuses") or [{}])[0] for name, status in pods.items()}
        done = (
            containers["crashing"].get("restartCount", 0) > 0
            and containers["slow"].get("ready")
            and containers["imageless"].get("state", {}).get("waiting")
            and pods["unlucky"]["phase"] == "Failed"
            and pods["flapping"].get("message", "").startswith("readiness flaps: ")
        )
        return pods if done else {}

    pods = await eventually(all_did)
    crashed = pods["crashing"]["containerStatuses"][0]
    assert (crashed["lastState"]["terminated"]["exitCode"], pods["crashing"]["phase"]) == (1, "Running")
    assert pods["imageless"]["phase"] == "Pending"
    assert pods["hanging"]["phase"] == "Running"
    assert "Traceback" not in agent.log

    for name in ANNOTATIONS:
        await kube.delete(PODS, name, namespace=namespace)

    async def none_is_left() -> bool:
        return not (await kube.list(PODS, namespace=namespace)).items

    await eventually(none_is_left)
