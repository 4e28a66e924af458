"""The verbs of the Kubernetes API, dictionaries in and dictionaries out.

``watch`` next door is the verb that never ends; ``transport`` says what is tried again (little) and how failures are
mapped. A write whose connection broke is never repeated here: only the caller knows whether it may happen twice.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote

from autox.kube.connection import Connection
from autox.kube.listing import METADATA_ONLY, Query, pages, whole
from autox.kube.objects import Body, Listing, Object, PatchType, metadata
from autox.kube.paths import own_names, path_of
from autox.kube.requests import JSON, Request
from autox.kube.status_errors import decode_object, encode_body
from autox.kube.transport import Limits, Stream, Transport
from autox.model.errors import InvalidError
from autox.model.refs import Resource

Propagation = Literal["Background", "Foreground", "Orphan"]


class KubeClient:
    """A client of one API server; use it as an asynchronous context manager.

    Every method raises the errors of ``autox.model.errors`` and no others.
    """

    def __init__(self, connection: Connection, *, limits: Limits = Limits()) -> None:  # noqa: B008  - frozen
        self.connection = connection
        self.limits = limits
        self._transport = Transport(connection, limits)

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    @property
    def server(self) -> str:
        """The API server's URL."""
        return self.connection.server

    async def get(
        self, resource: Resource, name: str, *, namespace: str | None = None, subresource: str | None = None
    ) -> Object:
        """One object, as it is now.

        Args:
            resource: what it is.
            name: which one.
            namespace: where; None for what is in no namespace.
            subresource: this part of it, ``scale`` for instance; None for the object itself.
        """
        return await self._object("GET", resource, name, namespace, subresource)

    async def get_metadata(self, resource: Resource, name: str, *, namespace: str | None = None) -> Object:
        """One object's metadata: a ``PartialObjectMetadata``.

        Args:
            resource: what it is.
            name: which one.
            namespace: where; None for what is in no namespace.
        """
        return await self._object("GET", resource, name, namespace, accept=METADATA_ONLY)

    async def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        chunk: int = 500,
    ) -> Listing:
        """All objects, of one namespace or of all.

        Args:
            resource: what to list.
            namespace: None for all namespaces.
            label_selector: as in ``kubectl -l``.
            field_selector: as in ``kubectl --field-selector``.
            chunk: how many to ask for at a time; 0 for all at once.
        """
        query = Query(
            resource=resource, namespace=namespace, label_selector=label_selector, field_selector=field_selector
        )
        return await whole(self._transport, query, chunk=chunk)

    async def list_metadata(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        chunk: int = 500,
    ) -> Listing:
        """Like ``list``, metadata only: ``PartialObjectMetadata`` objects, a fraction of the bytes.

        Args:
            resource: what to list.
            namespace: None for all namespaces.
            label_selector: as in ``kubectl -l``.
            field_selector: as in ``kubectl --field-selector``.
            chunk: how many to ask for at a time; 0 for all at once.
        """
        query = Query(
            resource=resource,
            namespace=namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            metadata_only=True,
        )
        return await whole(self._transport, query, chunk=chunk)

    def pages(self, query: Query, *, chunk: int) -> AsyncGenerator[Listing, None]:
        """The pages of one listing as they come, for whoever does not want to hold all of it; see ``listing``."""
        return pages(self._transport, query, chunk=chunk)

    async def create(
        self,
        resource: Resource,
        body: Object,
        *,
        namespace: str | None = None,
        name: str | None = None,
        subresource: str | None = None,
    ) -> Object:
        """Create an object, or with ``name`` and ``subresource`` one that belongs to another (a token, a binding).

        Args:
            resource: what the body is, or what it belongs to.
            body: the object, or what is asked of the other: a ``TokenRequest``, a ``Binding``.
            namespace: where; None for the body's own, or for what is in no namespace.
            name: of the object that it belongs to; None for one that belongs to none.
            subresource: of that object: ``token``, ``binding``; None likewise.
        """
        namespace = namespace or (metadata(body).get("namespace") if resource.namespaced else None)
        if resource.namespaced and namespace is None:
            raise InvalidError(f"CREATE {resource.plural}: the object says no namespace")
        return await self._object("POST", resource, name, namespace, subresource, body=body)

    async def replace(self, resource: Resource, body: Object, *, subresource: str | None = None) -> Object:
        """Replace an object.

        Args:
            resource: what the body is.
            body: the whole object, named by its own metadata; with a ``resourceVersion`` that is not the latest any
                more it is a ``ConflictError``.
            subresource: replace this part of it alone, ``status`` for instance.
        """
        name, namespace = own_names(resource, body)
        return await self._object("PUT", resource, name, namespace, subresource, body=body)

    async def patch(
        self,
        resource: Resource,
        name: str,
        body: Body,
        *,
        namespace: str | None = None,
        patch_type: PatchType = PatchType.MERGE,
        subresource: str | None = None,
        field_manager: str | None = None,
    ) -> Object:
        """Change parts of an object.

        Args:
            resource: what it is.
            name: which one.
            body: the fields that change, or the operations of a JSON patch; with a ``uid`` or ``resourceVersion``
                in its metadata that is not the object's it is a ``ConflictError``.
            namespace: where; None for what is in no namespace.
            patch_type: how the body is to be read.
            subresource: change this part of it, ``status`` for instance.
            field_manager: who owns the fields from now on; None leaves that to the server.
        """
        params = {"fieldManager": field_manager} if field_manager else None
        return await self._object(
            "PATCH", resource, name, namespace, subresource, body=body, params=params, content_type=patch_type
        )

    async def apply(
        self,
        resource: Resource,
        body: Object,
        *,
        field_manager: str,
        force: bool = True,
        subresource: str | None = None,
    ) -> Object:
        """Server-side apply: the object is created or changed so that it has the body's fields, owned by the manager.

        Args:
            resource: what the body is.
            body: the fields wanted; named by its own metadata.
            field_manager: who owns them.
            force: take fields over that another manager owns; else that is a ``ConflictError``.
            subresource: apply to this part of it, ``status`` for instance.
        """
        name, namespace = own_names(resource, body)
        params = {"fieldManager": field_manager, "force": "true" if force else "false"}
        body = {"apiVersion": resource.api_version, "kind": resource.kind} | body
        # JSON is YAML, and this content type knows no other name.
        return await self._object(
            "PATCH", resource, name, namespace, subresource, body=body, params=params, content_type=PatchType.APPLY
        )

    async def delete(
        self,
        resource: Resource,
        name: str,
        *,
        namespace: str | None = None,
        grace_seconds: int | None = None,
        propagation: Propagation | None = None,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> Object:
        """Delete an object; returns it if it is still ending, else a ``Status``.

        Args:
            resource: what it is.
            name: which one.
            namespace: where.
            grace_seconds: how long it may take to end; None leaves that to the object.
            propagation: what happens to what it owns; None leaves that to the server.
            uid: delete only the object with this uid, else ``ConflictError``.
            resource_version: delete only this version of it, else ``ConflictError``.
        """
        preconditions = {
            key: value for key, value in (("uid", uid), ("resourceVersion", resource_version)) if value is not None
        }
        wishes = {
            "gracePeriodSeconds": grace_seconds,
            "propagationPolicy": propagation,
            "preconditions": preconditions or None,
        }
        options = {key: value for key, value in wishes.items() if value is not None}
        body = {"apiVersion": "v1", "kind": "DeleteOptions"} | options if options else None
        return await self._object("DELETE", resource, name, namespace, body=body)

    async def read(self, path: str, *, params: Mapping[str, str] | None = None) -> bytes:
        """What the server answers to a plain GET: ``/readyz``, ``/metrics``, ``/version``."""
        escaped = quote(path, safe="/:=,+@%")
        return await self._transport.send(
            Request(method="GET", path=escaped, what=f"GET {path}", params=params, accept="*/*")
        )

    def stream(
        self, query: Query, *, params: Mapping[str, str], idle_seconds: float
    ) -> AbstractAsyncContextManager[Stream]:
        """The bytes of one watch request; ``autox.kube.watch`` makes events and reconnections of it.

        Args:
            query: which objects.
            params: of the watch, beside the query's: ``resourceVersion``, ``timeoutSeconds`` and so on.
            idle_seconds: if nothing comes for so many seconds, the stream ends with a ``DeadlineError``.
        """
        request = Request(
            method="GET",
            path=query.path,
            what=f"WATCH {query.resource.plural}",
            plural=query.resource.plural,
            params={"watch": "true", **query.params, **params},
            accept=METADATA_ONLY if query.metadata_only else JSON,
        )
        return self._transport.stream(request, idle_seconds=idle_seconds)

    async def _object(
        self,
        method: str,
        resource: Resource,
        name: str | None,
        namespace: str | None,
        subresource: str | None = None,
        *,
        body: Body | None = None,
        params: Mapping[str, str] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Object:
        what = " ".join(filter(None, (method, resource.plural, "/".join(filter(None, (namespace, name))), subresource)))
        request = Request(
            method=method,
            path=path_of(resource, namespace=namespace, name=name, subresource=subresource),
            what=what,
            plural=subresource or resource.plural,
            params=params,
            body=encode_body(body) if body is not None else None,
            content_type=content_type,
            accept=accept,
        )
        return decode_object(await self._transport.send(request), what=what)
