"""What travels: Kubernetes objects as plain JSON, listings of them, the time formats inside them, and kubeconfigs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

Object = dict[str, Any]
"""A Kubernetes object as JSON. Never mutated by this package once it was handed out."""

Body = Object | list[Object]
"""What a request may carry: an object, or the operations of a JSON patch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Objects as they were at one resource version of the collection.

    Attributes:
        items: the objects; each says its own ``apiVersion`` and ``kind``, which a raw list leaves out.
        resource_version: where a watch can begin so that nothing is missed.
        next_page: the continue token if this is one page of several; empty when nothing follows.
    """

    items: list[Object]
    resource_version: str
    next_page: str = ""


class PatchType(StrEnum):
    """How the server is to read the body of a patch; the value is its content type."""

    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    JSON = "application/json-patch+json"
    APPLY = "application/apply-patch+yaml"


def metadata(obj: Mapping[str, Any]) -> Object:
    """The metadata of an object; empty if it has none or something else stands there."""
    found = obj.get("metadata")
    return found if isinstance(found, dict) else {}


def timestamp(at: datetime) -> str:
    """A ``metav1.Time``: ``2026-01-02T03:04:05Z``."""
    return f"{at.astimezone(UTC).isoformat(timespec='seconds')[:19]}Z"


def moment(text: Any) -> datetime | None:
    """A time as an object has it, with its time zone; None if it has none."""
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def micro_timestamp(at: datetime) -> str:
    """A ``metav1.MicroTime``: ``2026-01-02T03:04:05.000006Z``."""
    return f"{at.astimezone(UTC).isoformat(timespec='microseconds')[:26]}Z"


def kubeconfig(*, cluster: tuple[str, Object], user: tuple[str, Object]) -> Object:
    """A kubeconfig, which is written as objects are, with one context that is called as its user is.

    Args:
        cluster: what it is called, and how to reach and trust it.
        user: what it is called, and how to be let in.
    """
    context = {"cluster": cluster[0], "user": user[0]}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster[0], "cluster": cluster[1]}],
        "users": [{"name": user[0], "user": user[1]}],
        "contexts": [{"name": user[0], "context": context}],
        "current-context": user[0],
    }
