"""Collections read page by page, and begun again when the pages expire half-way.

``client`` offers it as ``list`` and ``list_metadata``; ``watch`` takes the pages one by one, since it has something
better to do with an expired listing than to forget what it has seen.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from autox.kube.objects import Listing, Object, metadata
from autox.kube.paths import path_of
from autox.kube.requests import JSON, Request
from autox.kube.status_errors import decode_object
from autox.kube.transport import Transport
from autox.model.errors import ExpiredError, ServerError
from autox.model.refs import Resource

LISTING_TRIES = 3
METADATA_ONLY = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
METADATA_LIST_ONLY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which objects.

    Attributes:
        resource: their kind.
        namespace: None for all namespaces.
        label_selector: as in ``kubectl -l``.
        field_selector: as in ``kubectl --field-selector``.
        metadata_only: ``PartialObjectMetadata`` objects instead of whole ones.
    """

    resource: Resource
    namespace: str | None = None
    label_selector: str = ""
    field_selector: str = ""
    metadata_only: bool = False

    @property
    def path(self) -> str:
        """The collection's URL path."""
        return path_of(self.resource, namespace=self.namespace)

    @property
    def params(self) -> dict[str, str]:
        """The selectors as a URL query."""
        pairs = {"labelSelector": self.label_selector, "fieldSelector": self.field_selector}
        return {key: value for key, value in pairs.items() if value}


async def pages(transport: Transport, query: Query, *, chunk: int) -> AsyncGenerator[Listing, None]:
    """The pages of one listing as they come.

    Args:
        transport: to the API server.
        query: which objects.
        chunk: how many objects a page has at most; 0 asks for all of them as one page.

    Raises:
        ExpiredError: the listing took longer than the server remembers (about five minutes): begin again.
    """
    what = f"LIST {query.resource.plural}"
    params = query.params | ({"limit": str(chunk)} if chunk else {})
    while True:
        request = Request(
            method="GET",
            path=query.path,
            what=what,
            plural=query.resource.plural,
            params=params,
            accept=METADATA_LIST_ONLY if query.metadata_only else JSON,
        )
        page = _page(decode_object(await transport.send(request), what=what), query, what)
        yield page
        if not page.next_page:
            return
        if page.next_page == params.get("continue"):
            raise ServerError(f"{what}: the server gives the same page again and again")
        params["continue"] = page.next_page


async def whole(transport: Transport, query: Query, *, chunk: int) -> Listing:
    """All pages as one listing; begun again if they expire half-way, the last time without pages.

    Args:
        transport: to the API server.
        query: which objects.
        chunk: how many objects to ask for at a time; 0 for all at once.
    """
    for tries_left in reversed(range(LISTING_TRIES)):
        items: list[Object] = []
        last = None
        try:
            async with aclosing(pages(transport, query, chunk=chunk if tries_left else 0)) as listing:
                async for page in listing:
                    items += page.items
                    last = page
        except ExpiredError:
            if not tries_left:
                raise
        if last is not None and not last.next_page:
            return replace(last, items=items)
    raise AssertionError("the last try returned or raised")


def _page(body: Object, query: Query, what: str) -> Listing:
    own, items = metadata(body), body.get("items")
    version, following = own.get("resourceVersion", ""), own.get("continue") or ""
    # NB: Go writes an empty list that was never made as null.
    items = [] if items is None else items
    if not isinstance(items, list) or not isinstance(version, str) or not isinstance(following, str):
        raise ServerError(f"{what}: the answer is no list", hint="Is this the address of an API server?")
    api_version, kind = query.resource.api_version, query.resource.kind
    if query.metadata_only:
        api_version, kind = "meta.k8s.io/v1", "PartialObjectMetadata"
    for item in items:
        if not isinstance(item, dict):
            raise ServerError(f"{what}: something in the list is no object")
        # NB: the server leaves these out of lists; whoever is handed one object needs them.
        item["apiVersion"] = api_version
        item["kind"] = kind
    return Listing(items=items, resource_version=version, next_page=following)
