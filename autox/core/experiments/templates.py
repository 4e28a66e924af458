"""What of an object decides which pods it runs, in one short word: two words that differ mean other pods.

The version label is somebody's claim; the pod template is what runs. So the template is part of what was tested, and
is compared by a digest of what it asks for. What does not make other pods is left out:

- scaling, which is outside the template, and restarts, which are an annotation in it;
- fields with the value that they have anyway: an API server or a controller that begins to write a default down, or a
  user who does, changes nothing;
- labels that controllers put into templates.

Workloads with a pod template have it at the same place, whoever defined them. A custom resource without one is told by
its spec, but for how many it asks for. Built-in kinds without one (a Service, a ConfigMap) say nothing about pods.

Rejected: the ReplicaSet's ``pod-template-hash``, which a restart changes and only Deployments have; and the
generation, which a scaling raises, and on Deployments any annotation.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

SCHEME = "1"
"""Digests of another scheme cannot be compared: raise it whenever the same template would get another digest."""

_DIGITS = 12
_PLACES = (("spec", "template"), ("spec", "jobTemplate", "spec", "template"))
_RESTART = re.compile(r"[^/]*/?[^/]*restart(ed)?[-_.]?at|cattle\.io/timestamp", re.IGNORECASE)
_CONTROLLERS_LABELS = {"pod-template-hash", "controller-revision-hash", "rollouts-pod-template-hash"}
_COUNTS = {"replicas", "minReplicas", "maxReplicas", "paused", "restartAt"}

_OF_POD: Mapping[str, Any] = {
    "dnsPolicy": "ClusterFirst",
    "enableServiceLinks": True,
    "hostIPC": False,
    "hostNetwork": False,
    "hostPID": False,
    "preemptionPolicy": "PreemptLowerPriority",
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "serviceAccountName": "default",
    "shareProcessNamespace": False,
    "terminationGracePeriodSeconds": 30,
}
"""What a pod has if nobody says so."""

_ANYWHERE: Mapping[str, Any] = {
    "defaultMode": 0o644,
    "expirationSeconds": 3600,
    "failureThreshold": 3,
    "initialDelaySeconds": 0,
    "nodeAffinityPolicy": "Honor",
    "nodeTaintsPolicy": "Ignore",
    "optional": False,
    "periodSeconds": 10,
    "procMount": "Default",
    "protocol": "TCP",
    "readOnly": False,
    "scheme": "HTTP",
    "stdin": False,
    "stdinOnce": False,
    "successThreshold": 1,
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "timeoutSeconds": 1,
    "tty": False,
}
"""What containers, probes, ports and volumes have if nobody says so."""


def template_of(obj: Mapping[str, Any], *, group: str) -> str:
    """The digest of what decides which pods an object runs: ``1-3f2a90c1b7de``; empty if nothing in it does.

    Args:
        obj: as it was read.
        group: the API group of its kind.
    """
    template = _pod_template(obj)
    if template is not None:
        return _digest(_canonical_template(template))
    spec = obj.get("spec")
    is_built_in = "." not in group or group.endswith(".k8s.io")
    if is_built_in or not isinstance(spec, Mapping):
        return ""
    return _digest({key: value for key, value in spec.items() if key not in _COUNTS})


def images_of(obj: Mapping[str, Any]) -> tuple[str, ...]:
    """The images of an object's pod template, in order; empty if it has none."""
    containers = _mapping((_pod_template(obj) or {}).get("spec")).get("containers")
    listed = containers if isinstance(containers, list) else []
    return tuple(str(each["image"]) for each in listed if isinstance(each, Mapping) and each.get("image"))


def is_another(one: str, other: str) -> bool:
    """Whether two digests are of templates that differ; what is not known, or of another scheme, does not."""
    return bool(one and other) and one != other and one.partition("-")[0] == other.partition("-")[0]


def _pod_template(obj: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for place in _PLACES:
        found: Any = obj
        for step in place:
            found = _mapping(found).get(step)
        if isinstance(found, Mapping) and isinstance(found.get("spec"), Mapping):
            return found
    return None


def _canonical_template(template: Mapping[str, Any]) -> Mapping[str, Any]:
    meta, spec = _mapping(template.get("metadata")), template["spec"]
    labels, annotations = _mapping(meta.get("labels")), _mapping(meta.get("annotations"))
    # NB: the older name of serviceAccountName, which the API server keeps equal to it.
    pod = {"serviceAccountName": spec.get("serviceAccount"), **spec}
    pod.pop("serviceAccount", None)
    return {
        "labels": {key: value for key, value in labels.items() if key not in _CONTROLLERS_LABELS},
        "annotations": {key: value for key, value in annotations.items() if not _RESTART.fullmatch(key)},
        "spec": _without_defaults({key: value for key, value in pod.items() if _OF_POD.get(key) != value}),
    }


def _without_defaults(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {key: _without_defaults(each) for key, each in value.items() if not _is_default(value, key)}
        return {key: each for key, each in kept.items() if each not in (None, "", {}, [])}
    return [_without_defaults(each) for each in value] if isinstance(value, list) else value


def _is_default(place: Mapping[str, Any], key: str) -> bool:
    value = place[key]
    if key == "imagePullPolicy":
        return bool(value == _pull_policy(str(place.get("image", ""))))
    if key == "apiVersion" and "fieldPath" in place:
        return bool(value == "v1")
    # NB: 0 is not False here, nor 1 True.
    return key in _ANYWHERE and type(value) is type(_ANYWHERE[key]) and value == _ANYWHERE[key]


def _pull_policy(image: str) -> str:
    """What the policy is if nobody says so: an image without a tag, or with the tag latest, may have changed."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return "IfNotPresent" if digest or tag not in ("", "latest") else "Always"


def _digest(document: Any) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return f"{SCHEME}-{hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]}"


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}
