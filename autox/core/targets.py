"""What an experiment loads, by its values, in words that are the same for the same target. Pure.

Two experiments that load one target measure each other. That can only be told if both name it alike: a Service by any
of its names in the cluster, anything else by host and port. What a foreign chart loads is not known.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from autox.core.hosts import host_of, plain_address

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SERVICE = re.compile(rf"(?P<name>{_LABEL})(\.(?P<namespace>{_LABEL})(\.svc(\.cluster\.local)?)?)?", re.ASCII)
_PORTS = {"http": 80, "https": 443}


def targets_of(values: Mapping[str, Any], *, namespace: str) -> tuple[str, ...]:
    """What the chart ``experiment`` loads with these values: ``service/shop/web``, ``example.com:443``, ``cluster/b``.

    Args:
        values: complete and checked.
        namespace: where the experiment runs.
    """
    tasks = values.get("tasks")
    listed = tasks if isinstance(tasks, list) else []
    found = []
    if "http" in listed and isinstance(url := _mapping(values.get("http")).get("url"), str):
        found.append(_host(url, namespace))
    if "density" in listed:
        density = _mapping(values.get("density"))
        secret = density.get("kubeconfigSecret")
        found.append(f"cluster/{namespace}/{secret}" if secret else f"cluster/{density.get('cluster', '')}")
    return tuple(each for each in found if each)


def target_label(target: str) -> str:
    """The key of the label that the records of all experiments have which load a target."""
    return f"loads.autox.dev/{hashlib.sha256(target.encode()).hexdigest()[:16]}"


def _host(url: str, namespace: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = plain_address(host_of(parts)).removesuffix("."), parts.port
    except ValueError:
        return ""
    service = _SERVICE.fullmatch(host)
    if service is not None and not host.replace(".", "").isdigit() and host != "localhost":
        return f"service/{service['namespace'] or namespace}/{service['name']}"
    return f"{host}:{port or _PORTS.get(parts.scheme, 0)}" if host else ""


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}
