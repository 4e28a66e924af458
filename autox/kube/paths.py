"""URL paths of resources, with names that cannot lead anywhere else.

A name that is empty, ``.`` or ``..`` is refused and every other one percent-encoded: deleting the object ``""``
would otherwise be a request to delete the whole collection, and ``../../secrets/x`` one for another kind of thing.
"""

import re
from urllib.parse import quote

from autox.kube.objects import Object, metadata
from autox.model.errors import InvalidError
from autox.model.refs import Resource

_PLAIN = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


def path_of(
    resource: Resource, *, namespace: str | None = None, name: str | None = None, subresource: str | None = None
) -> str:
    """The percent-encoded path of a collection, an object, or a subresource.

    Args:
        resource: what it is.
        namespace: where; None for all namespaces, or for what is in none.
        name: of the object; None for the collection.
        subresource: of the object, with slashes if it has a path of its own: ``proxy/metrics``; None for the object.

    Raises:
        InvalidError: a name that is no name, or a namespace missing or too many.
    """
    if subresource is not None and not _PLAIN.fullmatch(subresource):
        # NB: slashes stay: proxy/metrics is a subresource with a path of its own.
        subresource = quote(subresource, safe="/")
    space, name = _segment(namespace, "namespace"), _segment(name, "name")
    try:
        return resource.path(namespace=space, name=name, subresource=subresource)
    except ValueError as error:
        raise InvalidError(f"no such request: {error}") from error


def own_names(resource: Resource, body: Object) -> tuple[str, str | None]:
    """Name and namespace that an object says itself.

    Raises:
        InvalidError: it says none.
    """
    own = metadata(body)
    name, namespace = own.get("name"), own.get("namespace") if resource.namespaced else None
    if not isinstance(name, str) or not name:
        raise InvalidError(f"the {resource.kind} has no metadata.name")
    if resource.namespaced and not (isinstance(namespace, str) and namespace):
        raise InvalidError(f"the {resource.kind} {name} has no metadata.namespace")
    return name, namespace


def _segment(text: str | None, what: str) -> str | None:
    if text is None or _PLAIN.fullmatch(text):
        return text
    if text in {"", ".", ".."}:
        raise InvalidError(f'"{text}" is no {what} of anything')
    try:
        return quote(text, safe="")
    except UnicodeEncodeError as error:
        raise InvalidError(f"the {what} holds text that cannot be sent") from error
