"""Pods as the API server shows them, for the tests of what a mock node makes of them."""

from typing import Any

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
    conditions = {each["type"]: each for each in pod["status"].get("conditions", [])}
    for each in patch["status"]["conditions"]:
        whole = conditions.get(each["type"], {}) | each
        conditions[each["type"]] = {key: value for key, value in whole.items() if value is not None}
    status["conditions"] = list(conditions.values())
    return pod | {"status": status}
