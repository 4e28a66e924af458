"""What is written about pods on mock nodes, as a real API server takes it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from autox.kube.client import KubeClient
from autox.kube.objects import PatchType
from autox.model.refs import PODS
from autox.model.stages import ENDED, State
from autox.nodes.mock.deciding import decide
from autox.nodes.mock.plan import Plan
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


def one(policy: str | None = None, name: str = "main", **rule: Any) -> dict[str, Any]:
    """A container, with a restart policy of its own and one rule or without."""
    container: dict[str, Any] = {"name": name, "image": "example.com/app:1"}
    if policy is not None:
        container["restartPolicy"] = policy
    if rule:
        container["restartPolicyRules"] = [{"action": "Restart", "exitCodes": rule}]
    return container


def having(policy: str, *containers: dict[str, Any], init: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """A pod's specification."""
    return {
        "nodeName": "nobodys-node",
        "restartPolicy": policy,
        "containers": list(containers),
        "initContainers": list(init),
    }


CRASH = {"autox.dev/crash-seconds": "2", "autox.dev/run-seconds": "forever"}
RUN = {"autox.dev/run-seconds": "2"}
AGAIN = [READY, CRASHED, READY, CRASHED, BACK_OFF, READY]
RULED = one("Never", operator="In", values=[1, 42])
PREPARING = (one("Never", name="prepare"), one("OnFailure", name="check", operator="In", values=[3]))


@pytest.mark.parametrize(
    ("spec", "annotations", "states"),
    [
        pytest.param(
            having("Always", one("Never")),
            {"autox.dev/crash-seconds": "2"},
            [READY, State.FAILED],
            id="never in a pod with Always",
        ),
        pytest.param(having("Never", one("Always")), RUN, AGAIN, id="always in a pod with Never"),
        pytest.param(having("Never", one("OnFailure")), CRASH, AGAIN, id="on failure, and it fails"),
        pytest.param(
            having("Always", one("OnFailure")), RUN, [READY, State.SUCCEEDED], id="on failure, and it does not"
        ),
        pytest.param(having("Never", RULED), CRASH, AGAIN, id="a rule fits"),
        pytest.param(having("Never", RULED), RUN, [READY, State.SUCCEEDED], id="no rule fits"),
        pytest.param(
            having("Never", one("Never", operator="NotIn", values=[42])), RUN, AGAIN, id="a rule for all codes but one"
        ),
        pytest.param(having("Always", one("Never"), one(name="b")), CRASH, AGAIN, id="one ends, another goes on"),
        pytest.param(having("Never", one("Always"), one(name="b")), RUN, AGAIN, id="one goes on, another ends"),
        pytest.param(
            having("Always", one("OnFailure"), init=PREPARING), CRASH, AGAIN, id="init containers with policies"
        ),
    ],
)
async def test_containers_say_themselves_whether_they_start_again(
    kube: KubeClient, namespace: str, spec: dict[str, Any], annotations: dict[str, str], states: list[State]
) -> None:
    """A pod goes on or ends as a kubelet has it: only the pod's policy was read, and writes were refused for ever."""
    meta = {"name": "p", "namespace": namespace, "annotations": annotations}

    found, pod = await served(kube, await kube.create(PODS, {"metadata": meta, "spec": spec}), writes=len(states))

    assert found == states
    status, phase = pod["status"], states[-1].value if states[-1] in ENDED else "Running"
    assert status["phase"] == phase
    starts = [each["restartCount"] for each in status["containerStatuses"] if "running" in each["state"]]
    assert starts == ([2] if phase == "Running" else [])
    ready = {each["type"]: each["status"] for each in status["conditions"]}["Ready"]
    assert ready == str(len(starts) == len(spec["containers"]))
