"""The downward API: fields of a pod, and resources of its containers, as a container is told them.

Pure. Used by environment variables (``environment.py``) and by files (``content.py``), which differ in what they
allow. Source: pkg/fieldpath, pkg/api/v1/resource and pkg/kubelet/kubelet_pods.go in kubernetes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from autox.core.formats.notation import parse_quantity
from autox.kube.objects import Object

_ESCAPES = dict(zip('"\\\a\b\f\n\r\t\v', ('\\"', "\\\\", *(f"\\{letter}" for letter in "abfnrtv")), strict=True))
_DEFAULTED = ("cpu", "memory", "ephemeral-storage")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    """A pod, and what its node knows of it.

    Attributes:
        pod_ip: the address that its processes can bind (the loopback form).
        host_ip: the address of the node.
        allocatable: quantities by resource name; the limit of a container that has none.
    """

    pod: Object
    pod_ip: str
    host_ip: str
    allocatable: Mapping[str, str] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(self.pod["metadata"]["namespace"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.pod["metadata"]["name"])

    @property
    def uid(self) -> str:
        """Its UID."""
        return str(self.pod["metadata"]["uid"])


def field_value(facts: PodFacts, path: str) -> str:
    """What ``fieldRef`` of an environment variable means.

    Raises:
        ValueError: a field that the downward API does not have.
    """
    spec = facts.pod.get("spec", {})
    values = {
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "status.hostIP": facts.host_ip,
        "status.hostIPs": facts.host_ip,
        "status.podIP": facts.pod_ip,
        "status.podIPs": facts.pod_ip,
    }
    return str(values[path]) if path in values else metadata_value(facts, path)


def metadata_value(facts: PodFacts, path: str) -> str:
    """What ``fieldRef`` of a file means: metadata alone.

    Raises:
        ValueError: a field that the downward API does not have.
    """
    metadata = facts.pod["metadata"]
    if path.endswith("']") and "['" in path:
        name, key = path.removesuffix("']").split("['", 1)
        if name not in {"metadata.labels", "metadata.annotations"}:
            raise ValueError(f'fieldPath "{path}" does not support subscript')
        return str((metadata.get(name.removeprefix("metadata.")) or {}).get(key, ""))
    if path in {"metadata.labels", "metadata.annotations"}:
        return _formatted(metadata.get(path.removeprefix("metadata.")) or {})
    if path in {"metadata.name", "metadata.namespace", "metadata.uid"}:
        return str(metadata[path.removeprefix("metadata.")])
    raise ValueError(f"unsupported fieldPath: {path}")


def resource_value(facts: PodFacts, reference: Mapping[str, Any], container: Object | None = None) -> str:
    """What ``resourceFieldRef`` means: a limit or request divided by the divisor, rounded up.

    Args:
        facts: the pod; what its node can allocate is the limit of a container that has none.
        reference: the ``resourceFieldRef``: ``resource`` (such as ``limits.cpu``), and perhaps ``containerName`` and
            ``divisor``.
        container: the one that asks, where the reference names none; None for a volume, whose references must.

    Raises:
        ValueError: no such container or resource, or a malformed quantity.
    """
    name = reference.get("containerName")
    if name:
        spec = facts.pod.get("spec", {})
        all_containers = [*spec.get("containers", []), *spec.get("initContainers", [])]
        container = next((one for one in all_containers if one.get("name") == name), None)
    if container is None:
        raise ValueError(f"container {name} not found")
    kind, _, resource = str(reference.get("resource", "")).partition(".")
    if kind not in {"limits", "requests"} or not (resource in _DEFAULTED or resource.startswith("hugepages-")):
        raise ValueError(f"unsupported container resource : {reference.get('resource')}")
    value = _quantity((container.get("resources") or {}).get(kind), resource)
    if kind == "limits" and value == 0 and resource in _DEFAULTED:
        value = _quantity(facts.allocatable, resource)
    divisor = parse_quantity(str(reference.get("divisor") or "1")) or Fraction(1)
    if resource == "cpu":  # counted in thousandths, everything else in whole units
        return str(math.ceil(Fraction(math.ceil(value * 1000), math.ceil(divisor * 1000))))
    return str(math.ceil(Fraction(math.ceil(value), math.ceil(divisor))))


def _quantity(quantities: Mapping[str, Any] | None, resource: str) -> Fraction:
    return parse_quantity(str((quantities or {}).get(resource, "0")))


def _formatted(pairs: Mapping[str, str]) -> str:
    """Labels or annotations as lines ``key="value"``, sorted, values quoted as Go quotes them."""
    return "\n".join(f"{key}={_quoted(pairs[key])}" for key in sorted(pairs))


def _quoted(text: str) -> str:
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    number = ord(character)
    if number < 0x80:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
