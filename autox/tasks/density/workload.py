"""The objects that a run puts on the control plane: namespaces, and whatever its plan has, with small pods. Pure.

Which ones, and when each is due, is said by ``autox.core.loads.workloads``.

The pods are as plain as pods can be (no token, no service environment, nothing to pull that matters, since nobody
runs them), and pass the strictest Pod Security Standard. They end within a second, by the word of their node, as other
pods do. Data looks random and follows from the kind and the name of its object alone: the same inputs make the same
objects.

A template of the user's is merged over ours; what a run is counted, found and swept by (names, labels, numbers of pods,
selectors, the nodes) is ours whatever it says.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from hashlib import shake_256
from typing import Any

from autox.core.experiments.merging import merge_values
from autox.core.loads.workloads import Planned, filled
from autox.kube.objects import Object
from autox.model.refs import (
    CONFIG_MAPS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    SECRETS,
    SERVICES,
    STATEFUL_SETS,
    Resource,
)
from autox.model.workload import ObjectKind
from autox.tasks.density.labels import TAINT, RunLabels

RESOURCES: Mapping[ObjectKind, Resource] = {
    ObjectKind.DEPLOYMENT: DEPLOYMENTS,
    ObjectKind.STATEFUL_SET: STATEFUL_SETS,
    ObjectKind.JOB: JOBS,
    ObjectKind.DAEMON_SET: DAEMON_SETS,
    ObjectKind.SERVICE: SERVICES,
    ObjectKind.CONFIG_MAP: CONFIG_MAPS,
    ObjectKind.SECRET: SECRETS,
}
IMAGE = "registry.k8s.io/pause:3.10"

_DATA = "data"
_PORT = 80
_TOLERATION = {"key": TAINT, "operator": "Exists", "effect": "NoSchedule"}
_NUMBERS = ("replicas", "parallelism", "completions")


def namespace(run_labels: RunLabels, name: str = "") -> Object:
    """A namespace of a run: the first one, if it has no name."""
    return {"metadata": {"name": name or run_labels.namespace, "labels": run_labels.labels}}


def body(planned: Planned, run_labels: RunLabels, *, place: str) -> Object:
    """An object of a run; its pods, if it has any, can only be scheduled to the nodes of the run.

    Args:
        planned: which one.
        run_labels: of the run.
        place: the name of its namespace.
    """
    group, resource = planned.group, RESOURCES[planned.group.kind]
    labels, annotations = ({key: filled(text, planned.index) for key, text in each.items()} for each in _words(planned))
    made = {"spec": {}, **_SPECS[group.kind](planned, run_labels)}
    if "template" in made["spec"]:
        template = {"metadata": {"labels": labels | made["spec"]["template"]["metadata"]["labels"]}}
        if annotations:
            template["metadata"]["annotations"] = annotations
        made = merge_values([made, {"spec": {"template": template}}])
    meta: Object = {"name": planned.name, "namespace": place, "labels": labels | run_labels.labels}
    if annotations:
        meta["annotations"] = annotations
    whole: Object = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta, **made}
    if not group.template:
        return whole
    theirs = _filled(group.template, planned.index, place)
    return merge_values([whole, theirs, _ours(whole)])


def changed(planned: Planned, asked: Object, made: Object) -> str:
    """What the API server took, or gave back, that is not what was asked for, in words; empty if nothing is.

    Args:
        planned: which object.
        asked: what it was asked for.
        made: what it answered.
    """
    kind = planned.group.kind
    for number in _NUMBERS:
        want = (asked.get("spec") or {}).get(number)
        have = (made.get("spec") or {}).get(number)
        if want is not None and have != want:
            return f"an admission made {want} {number} of a {kind} {have}"
    if _DATA in asked and made.get(_DATA) != asked[_DATA]:
        return f"an admission changed the data of a {kind}"
    return ""


def refusal(deployments: Iterable[Object]) -> str:
    """Why the pods of the first Deployment that has a reason could not be created; empty if none has."""
    deployments = list(deployments)
    paused = sum(bool((each.get("spec") or {}).get("paused")) for each in deployments)
    if paused:
        return f"{paused} of {len(deployments)} Deployments are paused"
    for each in deployments:
        for condition in (each.get("status") or {}).get("conditions") or ():
            if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
                return str(condition.get("message") or condition.get("reason") or "")
    return ""


def _words(planned: Planned) -> tuple[Mapping[str, str], Mapping[str, str]]:
    return planned.group.labels, planned.group.annotations


def _ours(whole: Object) -> Object:
    """What of an object no template changes."""
    spec = {key: whole["spec"][key] for key in (*_NUMBERS, "selector") if key in whole["spec"]}
    if "template" in whole["spec"]:
        template = whole["spec"]["template"]
        spec["template"] = {
            "metadata": {"labels": template["metadata"]["labels"]},
            "spec": {"nodeSelector": template["spec"]["nodeSelector"]},
        }
    identity = {key: whole["metadata"][key] for key in ("name", "namespace", "labels")}
    return {"apiVersion": whole["apiVersion"], "kind": whole["kind"], "metadata": identity, "spec": spec}


def _filled(part: Any, index: int, place: str) -> Any:
    if isinstance(part, str):
        return filled(part, index).replace("{namespace}", place)
    if isinstance(part, list):
        return [_filled(each, index, place) for each in part]
    if isinstance(part, Mapping):
        return {key: _filled(each, index, place) for key, each in part.items()}
    return part


def _deployment(planned: Planned, run_labels: RunLabels) -> Object:
    return {"spec": {"replicas": planned.pods, **_selected(planned), "template": _template(planned, run_labels)}}


def _stateful_set(planned: Planned, run_labels: RunLabels) -> Object:
    made = _deployment(planned, run_labels)
    return {"spec": {**made["spec"], "serviceName": planned.name, "podManagementPolicy": "Parallel"}}


def _job(planned: Planned, run_labels: RunLabels) -> Object:
    template = _template(planned, run_labels)
    template["spec"]["restartPolicy"] = "Never"
    return {"spec": {"parallelism": planned.pods, "completions": planned.pods, "template": template}}


def _daemon_set(planned: Planned, run_labels: RunLabels) -> Object:
    return {"spec": {**_selected(planned), "template": _template(planned, run_labels)}}


def _service(planned: Planned, run_labels: RunLabels) -> Object:
    del run_labels
    return {"spec": {"selector": {"app": planned.selects}, "ports": [{"port": _PORT, "protocol": "TCP"}]}}


def _config_map(planned: Planned, run_labels: RunLabels) -> Object:
    del run_labels
    size = planned.group.size
    return {_DATA: {"value": _bytes(planned, -(-size // 2)).hex()[:size]}}


def _secret(planned: Planned, run_labels: RunLabels) -> Object:
    del run_labels
    return {_DATA: {"value": b64encode(_bytes(planned, planned.group.size)).decode()}}


_SPECS: Mapping[ObjectKind, Callable[[Planned, RunLabels], Object]] = {
    ObjectKind.DEPLOYMENT: _deployment,
    ObjectKind.STATEFUL_SET: _stateful_set,
    ObjectKind.JOB: _job,
    ObjectKind.DAEMON_SET: _daemon_set,
    ObjectKind.SERVICE: _service,
    ObjectKind.CONFIG_MAP: _config_map,
    ObjectKind.SECRET: _secret,
}


def _bytes(planned: Planned, count: int) -> bytes:
    """Bytes that look random, and are the same for the same object."""
    return shake_256(f"{planned.group.kind}/{planned.name}".encode()).digest(count)


def _selected(planned: Planned) -> Object:
    return {"selector": {"matchLabels": {"app": planned.name}}}


def _template(planned: Planned, run_labels: RunLabels) -> Object:
    labels = {"app": planned.name} | run_labels.labels
    return {"metadata": {"labels": labels}, "spec": _pod(run_labels)}


def _pod(run_labels: RunLabels) -> Object:
    # NB: nodes that are there already have no taint of a run, and those of another run are to be left alone.
    tolerated: Object = {"tolerations": [_TOLERATION]} if run_labels.given is None else {}
    return {
        "nodeSelector": run_labels.node_selector,
        **tolerated,
        # NB: 0 would let the API server remove a pod without asking its node, and 30 would hold the namespace.
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65535,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "pause",
                "image": IMAGE,
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    }
