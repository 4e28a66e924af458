"""The host of a URL in one form: what is asked for, granted, resolved, certified and counted as one target. Pure.

A host is a name as DNS has it or an address in its usual writing. What programs read differently is refused, since a
load would go to one of several places: ``ß`` and wide letters (there are two rules for them), ``0177.0.0.1`` and
``127.1`` (octal, or short, or a name), backslashes, empty labels, zones of IPv6.

Two experiments that load one target measure each other. That can only be told if both name it alike: a Service by any
of its names in the cluster, anything else by host and port. What a task loads its kind says (``autox.api.tasks``).
"""

import hashlib
import re
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

_LABEL = re.compile(r"[-a-z0-9_]{1,63}")
_NUMBERS = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}")
_PLACE = re.compile(r"(\[(?P<address>[^][]*:[^][]*)\]|(?P<name>[^][:]*))(:[0-9]*)?", re.ASCII)
_LONGEST = 253
_SERVICE_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SERVICE = re.compile(
    rf"(?P<name>{_SERVICE_LABEL})(\.(?P<namespace>{_SERVICE_LABEL})(\.svc(\.cluster\.local)?)?)?", re.ASCII
)
_PORTS = {"http": 80, "https": 443}


def host_of(parts: SplitResult) -> str:
    """The host of a URL that ``urlsplit`` has taken apart, in its normal form.

    Raises:
        ValueError: it is none that all programs read alike; the text says why and has no word of a password.
    """
    found = _PLACE.fullmatch(parts.netloc.rpartition("@")[2])
    if found is None or "\\" in parts.netloc:
        raise ValueError("its host or its port makes no sense")
    return normal_host(found["address"] or found["name"])


def normal_host(host: str) -> str:
    """A host in ASCII and lower case, an address of IPv6 in its shortest form; a final dot stays: resolvers heed it.

    Args:
        host: of a URL, without brackets, user and port.

    Raises:
        ValueError: it is none that all programs read alike; the text says why and has no word of a password.
    """
    if ":" in host:
        try:
            return str(IPv6Address("%" if "%" in host else host))
        except ValueError:
            raise ValueError("its host is no IPv6 address, or one with a zone") from None
    name = ".".join(each if each.isascii() else _in_ascii(each) for each in host.split(".")).lower()
    labels = name.removesuffix(".").split(".")
    if len(name) > _LONGEST + 1 or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError("its host makes no sense")
    if _NUMBERS.fullmatch(".".join(labels)) and not _is_address(".".join(labels)):
        raise ValueError("its host is an address that programs read differently; write four plain numbers")
    return name


def plain_address(host: str) -> str:
    """The same, an IPv4 address that is written as one of IPv6 in its own form: both are one place."""
    mapped = IPv6Address(host).ipv4_mapped if ":" in host else None
    return str(mapped) if mapped else host


def _in_ascii(label: str) -> str:
    """A label as DNS has it, where it is one by the rules of 2003 and by those of 2008, and could be no other host.

    Raises:
        ValueError: it is not.
    """
    try:
        encoded = label.encode("idna").decode("ascii")
        is_clear = encoded.startswith("xn--") and encoded.encode().decode("idna") == label.lower()
    except UnicodeError:
        is_clear = False
    if not is_clear:
        raise ValueError("its host is not in ASCII, and programs read it differently; write it as DNS has it")
    return encoded


def _is_address(text: str) -> bool:
    try:
        return str(IPv4Address(text)) == text
    except ValueError:
        return False


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
