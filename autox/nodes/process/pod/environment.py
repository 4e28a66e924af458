"""The environment of a container: what its pod declares, on top of a small base, and nothing of the node's own.

Order and precedence are the kubelet's (pkg/kubelet/kubelet_pods.go): envFrom in order, env in order and over it,
service variables where nothing else has the name. ``$(VAR)`` sees what was declared before it, then services.
"""

import base64
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autox.kube.objects import Object
from autox.model.errors import AutoxError, NotFoundError, StartError
from autox.nodes.process.volumes.downward import PodFacts, field_value, resource_value
from autox.nodes.process.volumes.expansion import expand_with
from autox.nodes.process.volumes.sources import Sources

_REASON = "CreateContainerConfigError"
_HOSTNAME_LIMIT = 63


def base_environment(
    facts: PodFacts, *, rootfs: Path, path: Sequence[Path], api_server: tuple[str, int]
) -> dict[str, str]:
    """What every container has before its pod declares anything.

    Args:
        facts: the pod.
        rootfs: where its mounts are found by their mount paths; HOME too, so that it is not a user's.
        path: the folders of PATH.
        api_server: host and port by which the container reaches the API server.
    """
    hostname = facts.pod.get("spec", {}).get("hostname") or facts.name
    return {
        "PATH": ":".join(str(folder) for folder in path),
        "HOME": str(rootfs),
        "HOSTNAME": hostname[:_HOSTNAME_LIMIT].rstrip("-."),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "KUBERNETES_SERVICE_HOST": api_server[0],
        "KUBERNETES_SERVICE_PORT": str(api_server[1]),
        "CONTAINER_SANDBOX_MOUNT_POINT": str(rootfs),
    }


async def declared_environment(
    facts: PodFacts, container: Object, *, sources: Sources, services: Mapping[str, str]
) -> dict[str, str]:
    """What the pod declares for one container, with the service variables.

    Args:
        facts: the pod.
        container: its specification in the pod.
        sources: where Secrets and ConfigMaps come from.
        services: the service variables by name; what the container declares replaces one of the same name.

    Raises:
        StartError: a Secret, ConfigMap or key that is not optional is missing, or a reference makes no sense;
            reason ``CreateContainerConfigError``, worded as the kubelet does.
    """
    declared: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        declared |= await _from_source(facts.namespace, source, sources)
    for variable in container.get("env") or []:
        value = await _value(facts, container, variable, sources, (declared, services))
        if value is not None:
            declared[variable["name"]] = value
    return {**services, **declared}


async def _value(
    facts: PodFacts, container: Object, variable: Object, sources: Sources, known: tuple[Mapping[str, str], ...]
) -> str | None:
    """The value of one variable; None when an optional source is missing."""
    if variable.get("value"):
        return expand_with(variable["value"], *known)
    origin = variable.get("valueFrom") or {}
    try:
        if "fieldRef" in origin:
            return field_value(facts, origin["fieldRef"]["fieldPath"])
        if "resourceFieldRef" in origin:
            return resource_value(facts, origin["resourceFieldRef"], container)
    except ValueError as error:
        raise StartError(str(error), reason=_REASON) from error
    if "configMapKeyRef" in origin:
        return await _key(facts.namespace, "ConfigMap", origin["configMapKeyRef"], sources)
    if "secretKeyRef" in origin:
        return await _key(facts.namespace, "Secret", origin["secretKeyRef"], sources)
    if origin:
        raise StartError(
            f"environment variable {variable['name']}: a process node does not offer {', '.join(sorted(origin))}",
            reason=_REASON,
        )
    return ""


async def _from_source(namespace: str, source: Object, sources: Sources) -> dict[str, str]:
    for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
        if field in source:
            values = await _values(namespace, kind, source[field], sources) or {}
            return {f"{source.get('prefix') or ''}{key}": value for key, value in values.items()}
    return {}


async def _key(namespace: str, kind: str, reference: Mapping[str, Any], sources: Sources) -> str | None:
    values = await _values(namespace, kind, reference, sources)
    if values is None:
        return None
    key = reference["key"]
    if key not in values and not reference.get("optional"):
        name = reference.get("name", "")
        raise StartError(f"couldn't find key {key} in {kind} {namespace}/{name}", reason=_REASON)
    return values.get(key)


async def _values(
    namespace: str, kind: str, reference: Mapping[str, Any], sources: Sources
) -> Mapping[str, str] | None:
    """The text values of a Secret or ConfigMap; None when it is missing and may be."""
    name = reference.get("name", "")
    try:
        if kind == "ConfigMap":
            return (await sources.config_map(namespace, name)).get("data") or {}
        data = (await sources.secret(namespace, name)).get("data") or {}
    except NotFoundError as error:
        if reference.get("optional"):
            return None
        raise StartError(f'{kind.lower()} "{name}" not found', reason=_REASON) from error
    except AutoxError as error:
        raise StartError(f"{kind} {namespace}/{name}: {error.message}", reason=_REASON) from error
    # NB: a Secret may hold bytes that are no text; they reach the process unchanged.
    return {key: os.fsdecode(base64.b64decode(value or "")) for key, value in data.items()}
