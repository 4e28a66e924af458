"""What is written about pods on mock nodes, as a real API server takes it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from autox.kube.client import KubeClient
from autox.kube.objects import PatchType
from autox.model.refs import PODS
from autox.model.stages import ENDED, State
from autox.nodes.mock.deciding import Plan, decide
from autox.nodes.mock.pods import pod_from
from autox.nodes.mock.podstatus import body
from autox.nodes.mock.steps import Action
from tests.mock.samples import HOST_IP, POD_IP

pytestmark = pytest.mark.integration

CREATING, READY, UNREADY = State.CREATING, State.READY, State.UNREADY
CRASHED, BACK_OFF = State.CRASHED, State.CRASH_LOOP_BACK_OFF


async def served(kube: KubeClient, pod: dict[str, Any], *, writes: int) -> tuple[list[State | None], dict[str, Any]]:
    """Write about a pod so often as if time flew; the states that were written, and the pod after it."""
    now = datetime.now(UTC).timestamp()
    states: list[State | None] = []
    while len(states) < writes:
        typed = pod_from(pod)
        step = decide(typed, Plan())
        if step.action is not Action.WRITE:
            break
        assert step.stage is not None, f"what the API server made of {states} is put right"
        now = max(now, step.at)
        moment = datetime.fromtimestamp(now, tz=UTC)
        patch = json.loads(body(typed, step, host_ip=HOST_IP, pod_ip=POD_IP, now=moment))
        pod = await kube.patch(
            PODS,
            pod["metadata"]["name"],
            patch,
            namespace=pod["metadata"]["namespace"],
            patch_type=PatchType.STRATEGIC,
            subresource="status",
        )
        states.append(step.state)
    return states, pod


@pytest.mark.parametrize(
    ("policy", "annotations", "states"),
    [
        ("Always", {}, [READY]),
        ("Never", {}, [READY, State.SUCCEEDED]),
        ("Never", {"failure-probability": "1"}, [READY, State.FAILED]),
        ("Never", {"crash-seconds": "0"}, [READY, State.FAILED]),
        ("OnFailure", {"failure-probability": "1"}, [READY, CRASHED, READY, CRASHED, BACK_OFF, READY]),
        ("Always", {"crash-seconds": "1"}, [READY, CRASHED, READY, CRASHED, BACK_OFF, READY, CRASHED, BACK_OFF]),
        ("Always", {"start-seconds": "3", "ready-seconds": "3"}, [CREATING, State.STARTING, READY]),
        (
            "Always",
            {"image-pull-error-seconds": "60"},
            [State.ERR_IMAGE_PULL, State.IMAGE_PULL_BACK_OFF, READY],
        ),
        ("Always", {"flap-seconds": "5"}, [READY, UNREADY, READY, UNREADY, READY]),
        ("Always", {"start-seconds": "nonsense"}, [CREATING, State.FAILED]),
    ],
    ids=str,
)
async def test_an_api_server_takes_every_write(
    kube: KubeClient, namespace: str, policy: str, annotations: dict[str, str], states: list[State]
) -> None:
    """None is refused, none is put right, and what is read back leads to the next, with init containers and all."""
    meta = {
        "name": "p",
        "namespace": namespace,
        "annotations": {f"autox.dev/{key}": value for key, value in annotations.items()},
    }
    containers = [{"name": "main", "image": "example.com/app:1"}]
    spec = {
        "nodeName": "nobodys-node",
        "restartPolicy": policy,
        "containers": containers,
        "initContainers": [
            {"name": "prepare", "image": "example.com/prepare:1"},
            {"name": "proxy", "image": "example.com/proxy:1", "restartPolicy": "Always"},
        ],
    }
    made = await kube.create(PODS, {"metadata": meta, "spec": spec})

    found, pod = await served(kube, made, writes=len(states))

    assert found == states
    assert (states[-1] in ENDED) is (pod["status"]["phase"] in {"Succeeded", "Failed"})
    await kube.delete(PODS, "p", namespace=namespace, grace_seconds=0)
