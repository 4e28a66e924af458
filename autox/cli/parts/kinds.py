"""Kinds of objects by the words that kubectl takes: ``deploy``, ``Deployment``, ``deployments.apps``, ``rollouts``.

What a word means is the API server's to say. Well-known groups are asked first, so that a word that several groups
serve means what it means to kubectl.
"""

import re
from collections.abc import Iterator
from typing import Any

from autox.kube.client import KubeClient
from autox.kube.status_errors import decode_object
from autox.model.errors import ConfigurationError, NotFoundError, ServerError
from autox.model.refs import Resource

_FIRST = ("", "apps", "batch")
_WORD = re.compile(r"([A-Za-z0-9-]+)(?:\.(v[0-9]+(?:(?:alpha|beta)[0-9]+)?))?(?:\.([a-z0-9.-]+))?")


async def resolve(kube: KubeClient, word: str) -> Resource:
    """The resource that a word means.

    Raises:
        ConfigurationError: no kind of object in a namespace is called that.
        AutoxError: the API server could not be asked.
    """
    parts = _WORD.fullmatch(word)
    if parts is not None:
        name, version, group = parts.groups()
        for group_, version_ in await _versions(kube, group):
            found = await _served(kube, group_, version or version_, name.lower())
            if found is not None:
                return found
    raise ConfigurationError(
        f"{word!r} is no kind of object in a namespace of this cluster", hint="`kubectl api-resources` lists them."
    )


async def _versions(kube: KubeClient, group: str | None) -> list[tuple[str, str]]:
    """The groups to ask with the version that each prefers; all groups if none was named."""
    listed = decode_object(await kube.read("/apis"), what="GET /apis").get("groups")
    preferred = {str(each.get("name")): each["preferredVersion"]["version"] for each in _valid(listed)}
    preferred[""] = "v1"
    if group is not None:
        return [(group, preferred[group])] if group in preferred else []
    return [(each, preferred[each]) for each in (*_FIRST, *sorted(preferred.keys() - {*_FIRST})) if each in preferred]


async def _served(kube: KubeClient, group: str, version: str, word: str) -> Resource | None:
    path = f"/apis/{group}/{version}" if group else f"/api/{version}"
    try:
        listed = decode_object(await kube.read(path), what=f"GET {path}").get("resources")
    except (NotFoundError, ServerError):
        # NB: a group whose own server is down must not hide the kinds of the others.
        return None
    for each in listed if isinstance(listed, list) else ():
        names = {each.get("name"), each.get("singularName"), str(each.get("kind")).lower(), *each.get("shortNames", ())}
        if word in names and "/" not in each["name"] and each.get("namespaced") is True:
            return Resource(group=group, version=version, plural=each["name"], kind=str(each.get("kind")))
    return None


def _valid(groups: Any) -> Iterator[dict[str, Any]]:
    for each in groups if isinstance(groups, list) else ():
        if isinstance(each, dict) and isinstance(each.get("preferredVersion"), dict):
            yield each
