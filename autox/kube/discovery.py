"""What an API server serves: tells a kind of object that does not exist from an object that does not."""

from dataclasses import dataclass
from typing import Any

from autox.kube.client import KubeClient
from autox.kube.status_errors import decode_object
from autox.model.errors import NotFoundError
from autox.model.refs import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A resource as discovery describes it.

    Attributes:
        kind: what bodies carry.
        namespaced: whether its objects are in namespaces.
        verbs: what can be done with it, whether or not we may.
    """

    kind: str
    namespaced: bool
    verbs: frozenset[str]


async def discover(kube: KubeClient, resource: Resource) -> Served | None:
    """How a resource of just this group, version and plural is served; None if it is not.

    Raises:
        AutoxError: the API server could not be asked; that says nothing about the resource.
    """
    path = "/".join(("/apis", resource.group, resource.version) if resource.group else ("/api", resource.version))
    try:
        listed = decode_object(await kube.read(path), what=f"GET {path}").get("resources")
    except NotFoundError:
        return None
    found = next((each for each in listed or () if _name(each) == resource.plural), None)
    if found is None:
        return None
    return Served(
        kind=str(found.get("kind") or ""),
        namespaced=found.get("namespaced") is True,
        verbs=frozenset(found.get("verbs") or ()),
    )


def _name(listed: Any) -> Any:
    return listed.get("name") if isinstance(listed, dict) else None
