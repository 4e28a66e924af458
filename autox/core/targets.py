"""What an experiment loads, in words that are the same for the same target. Pure.

Two experiments that load one target measure each other. That can only be told if both name it alike: a Service by any
of its names in the cluster, anything else by host and port. What a task loads its kind says (``autox.api.tasks``).
"""

import hashlib
import re
from urllib.parse import urlsplit

from autox.core.hosts import host_of, plain_address

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SERVICE = re.compile(rf"(?P<name>{_LABEL})(\.(?P<namespace>{_LABEL})(\.svc(\.cluster\.local)?)?)?", re.ASCII)
_PORTS = {"http": 80, "https": 443}


def target_label(target: str) -> str:
    """The key of the label that the records of all experiments have which load a target."""
    return f"loads.autox.dev/{hashlib.sha256(target.encode()).hexdigest()[:16]}"


def target_of_url(url: str, *, namespace: str) -> str:
    """``service/shop/web`` or ``example.com:443``; empty if the URL has no host.

    Args:
        url: with http or https.
        namespace: of whoever requests it.
    """
    try:
        parts = urlsplit(url)
        host, port = plain_address(host_of(parts)).removesuffix("."), parts.port
    except ValueError:
        return ""
    service = _SERVICE.fullmatch(host)
    if service is not None and not host.replace(".", "").isdigit() and host != "localhost":
        return f"service/{service['namespace'] or namespace}/{service['name']}"
    return f"{host}:{port or _PORTS.get(parts.scheme, 0)}" if host else ""
