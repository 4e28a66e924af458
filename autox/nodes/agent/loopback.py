"""Is an API server on this very machine? Asked before pods of a cluster become local processes.

Whoever may create pods in a cluster runs commands on the machine of a process node, with the rights of whoever
started it. On a control plane that listens on loopback that is the same person or the same machine; on any other
it must be asked for (``allowRemote``). The answer comes from the URL alone: resolving a name would ask a server
that may answer differently the next time, so every name but ``localhost`` is refused.

A tunnel that ends on loopback cannot be told from a server on loopback; who builds one has decided.
"""

import ipaddress
from urllib.parse import urlsplit


def is_loopback(server: str) -> bool:
    """True when the URL of an API server can only mean this machine.

    Accepted hosts: ``localhost``, 127.0.0.0/8, ``::1``, and the latter two as IPv4-mapped addresses. Anything that
    two parsers might read differently (user information, a backslash, a decimal or octal address, a zone) is
    refused.
    """
    try:
        parts = urlsplit(server)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or "\\" in server or "@" in server:
        return False
    return host == "localhost" or _is_loopback_address(host)


def _is_loopback_address(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped.is_loopback
        return address.is_loopback and not address.scope_id
    return address.is_loopback
