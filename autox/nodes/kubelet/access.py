"""Who asks, and which right of the Kubernetes API it takes: the kubelet's rules. Pure.

``reviews`` next door asks the API server whether the caller has that right; ``server`` does so for each request.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

API_SERVER = "kube-apiserver-kubelet-client"
ADMINISTRATORS = "system:masters"

_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_SUBRESOURCES = {
    "pods": ("pods", "proxy"),
    "runningpods": ("pods", "proxy"),
    "healthz": ("healthz", "proxy"),
    "stats": ("stats",),
    "metrics": ("metrics",),
    "logs": ("log",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody the API server knows.

    Attributes:
        name: user name.
        groups: the groups it is in.
        uid: identity of the user, empty where there is none.
        extra: what else the authenticator said, by key.
    """

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def is_trusted(self) -> bool:
        """May it do everything without being asked about: the API server itself, and administrators?"""
        return self.name == API_SERVER or ADMINISTRATORS in self.groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """What a request needs: a verb on any one of some subresources of a Node."""

    verb: str
    subresources: tuple[str, ...]


def caller_of(certificate: Mapping[str, Any] | None) -> Caller | None:
    """Whose client certificate it is, in the form that ``ssl`` gives; None without one, or if it names nobody."""
    parts: Iterable[Iterable[tuple[str, str]]] = (certificate or {}).get("subject", ())
    subject = [pair for part in parts for pair in part]
    name = next((value for key, value in subject if key == "commonName"), "")
    groups = tuple(value for key, value in subject if key == "organizationName")
    return Caller(name=name, groups=(*groups, "system:authenticated")) if name else None


def bearer_token(authorization: str) -> str:
    """The token in an ``Authorization`` header; empty if it holds none that could be one."""
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.isascii() else ""


def right_for(method: str, path: str) -> Right:
    """What a request needs. Everything that has no subresource of its own is ``nodes/proxy``, logs and exec too."""
    first = path.lstrip("/").partition("/")[0].lower()
    return Right(verb=_VERBS.get(method, method.lower()), subresources=_SUBRESOURCES.get(first, ("proxy",)))
