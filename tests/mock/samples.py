"""Pods as the API server shows them, for the tests of what a mock node makes of them."""

import json
from datetime import datetime
from typing import Any

from autox.model.stages import Stage, State
from autox.nodes.mock.deciding import decide
from autox.nodes.mock.plan import Plan
from autox.nodes.mock.pods import pod_from
from autox.nodes.mock.podstatus import body
from autox.nodes.mock.steps import Action, Step

HOST_IP, POD_IP = "10.5.0.1", "10.5.1.0"
UID = "5c1b6e0a-1111-4222-8333-944445555666"


def bound_pod(*, annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A pod just bound to a node; keywords go into its spec."""
    return {
        "metadata": {
            "name": "p",
            "namespace": "default",
            "uid": UID,
            "resourceVersion": "7",
            "generation": 1,
            "annotations": annotations or {},
        },
        "spec": {
            "nodeName": "virtual-0",
            "restartPolicy": "Always",
            "containers": [{"name": "main", "image": "example.com/app:1"}],
            **spec,
        },
        "status": {"phase": "Pending", "qosClass": "BestEffort"},
    }


def merged(pod: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """The pod after a strategic merge patch of its status: conditions merge by type, lists are replaced."""
    status = pod["status"] | patch["status"]
    status = {key: value for key, value in status.items() if value is not None}
    conditions = {each["type"]: each for each in pod["status"].get("conditions", [])}
    for each in patch["status"]["conditions"]:
        whole = conditions.get(each["type"], {}) | each
        conditions[each["type"]] = {key: value for key, value in whole.items() if value is not None}
    status["conditions"] = list(conditions.values())
    return pod | {"status": status}


def taken(pod: dict[str, Any], step: Step, *, now: datetime) -> dict[str, Any]:
    """The pod after a step that writes."""
    return merged(pod, json.loads(body(pod_from(pod), step, host_ip=HOST_IP, pod_ip=POD_IP, now=now)))


def written(pod: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """The pod after its next step, which writes."""
    step = decide(pod_from(pod), Plan())
    assert step.action is Action.WRITE
    return taken(pod, step, now=now)


def ended(
    pod: dict[str, Any], *, now: datetime, exit_code: int = 0, reason: str = "", message: str = ""
) -> dict[str, Any]:
    """The pod after its containers ended with an exit code, for a reason and with a message or without."""
    state = State.FAILED if exit_code else State.SUCCEEDED
    stage = Stage(name="test", leaves=(), to=state, exit_code=exit_code, reason=reason, message=message)
    return taken(pod, Step(action=Action.WRITE, stage=stage, state=state), now=now)


def succeeded(pod: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """The pod after its containers ended well."""
    return ended(pod, now=now)
