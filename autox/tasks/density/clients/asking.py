"""What the clients of a group ask for, as calls, and what is read of an answer: pure.

Nobody reads what a control plane sends to a load test, so answers are not decoded. Looked at is their beginning alone:
whether it is of the kind that was asked for (a proxy may answer 200 with a page of its own), and, of a page of a list,
where the next one goes on. An API server writes kind and metadata before the items.
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode

from autox.kube.calls import Call
from autox.kube.paths import path_of
from autox.kube.requests import JSON
from autox.model.clientgroups import ClientGroup, Consistency, Scope, Verb
from autox.model.errors import AutoxError
from autox.model.refs import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    EVENTS,
    LEASES,
    NODES,
    PODS,
    SECRETS,
    SERVICES,
)
from autox.nodes.node.leases import NAMESPACE as NODE_LEASES
from autox.tasks.density.labels import RunLabels

BEGINNING = 4096
"""So many bytes of an answer are kept: the metadata of a list, or what an error says."""

RESOURCES = {
    each.plural: each
    for each in (PODS, NODES, CONFIG_MAPS, SECRETS, DEPLOYMENTS, SERVICES, ENDPOINT_SLICES, EVENTS, LEASES)
}

_MERGE_PATCH = "application/merge-patch+json"
_ITEMS = b'"items":'
_CONTINUE = re.compile(rb'"continue":"([A-Za-z0-9+/=_.~-]+)"')


class Asking:
    """The calls of one group."""

    def __init__(self, group: ClientGroup, run_labels: RunLabels, *, nodes: Sequence[str]) -> None:
        """Decide what is asked.

        Args:
            group: which.
            run_labels: of the run, whose namespace it is about.
            nodes: the names of the run's virtual nodes.
        """
        self._group = group
        self._resource = RESOURCES[group.resource]
        kind = self._resource.kind + ("List" if group.verb is Verb.LIST else "")
        self._kind = f'{{"kind":"{kind}"'.encode()
        namespace = None if group.scope is Scope.CLUSTER or not self._resource.namespaced else run_labels.namespace
        self._path = path_of(self._resource, namespace=namespace)
        self._params = _params(group)
        self._paths = self._named(run_labels, nodes) if group.verb in (Verb.GET, Verb.PATCH) else ()
        self.what = f"{group.verb.upper()} {group.resource}"
        """The beginning of an error, which names no object: so that the same trouble is the same words."""

    @property
    def plural(self) -> str:
        """Of the resource."""
        return self._resource.plural

    def call(self, number: int, index: int) -> Call:
        """A request, of a list its first page, or a watch.

        Args:
            number: of the request, from 0, among those of its client.
            index: of the client, from 0, among those of its group.
        """
        group = self._group
        if not self._paths:
            return self._get(self._path, self._params)
        nth = number * group.clients + index
        path = self._paths[nth % len(self._paths)]
        if group.verb is Verb.GET:
            return self._get(path, self._params)
        body = b'{"data":{"payload":"%b"}}' % payload(nth, group.size)
        return Call("PATCH", path, _nobody, plural=self.plural, body=body, content_type=_MERGE_PATCH, accept=JSON)

    def page(self, token: str) -> Call:
        """The page of a list that ``following`` spoke of."""
        return self._get(self._path, {**self._params, "continue": token})

    def following(self, beginning: bytes) -> str:
        """Where a list goes on whose answer begins so; empty if it ends there."""
        head, items, _ = beginning.partition(_ITEMS)
        found = _CONTINUE.search(head) if items else None
        return found[1].decode() if found else ""

    def is_answer(self, beginning: bytes) -> bool:
        """Whether an answer that begins so is one to what was asked."""
        is_whole = not self._group.limit or _ITEMS in beginning
        return beginning.startswith(self._kind) and is_whole

    def _get(self, path: str, params: Mapping[str, str]) -> Call:
        query = f"?{urlencode(params, quote_via=quote)}" if params else ""
        return Call("GET", f"{path}{query}", _nobody, plural=self.plural, accept=JSON)

    def _named(self, run_labels: RunLabels, nodes: Sequence[str]) -> tuple[str, ...]:
        """The paths of the objects that are got or patched."""
        resource = self._resource
        if resource is NODES:
            return tuple(path_of(resource, name=name) for name in nodes)
        if resource is LEASES:
            return tuple(path_of(resource, namespace=NODE_LEASES, name=name) for name in nodes)
        return tuple(path_of(resource, namespace=run_labels.namespace, name=name) for name in names(self._group))


def names(group: ClientGroup) -> list[str]:
    """The names of the objects that a run makes for a group."""
    return [f"client-{group.name}-{number}" for number in range(group.objects)]


def payload(number: int, size: int) -> bytes:
    """So many bytes, at least 16, that differ for each number."""
    return b"%016d" % number + b"x" * (size - 16)


def _params(group: ClientGroup) -> dict[str, str]:
    params = {
        "watch": "1" if group.verb is Verb.WATCH else "",
        # NB: a watch begins with all that there is, as that of a controller which was restarted.
        "resourceVersion": "0" if group.verb is Verb.WATCH or group.consistency is Consistency.CACHE else "",
        "limit": str(group.limit or ""),
        "labelSelector": group.label_selector,
        "fieldSelector": group.field_selector,
    }
    return {name: value for name, value in params.items() if value}


def _nobody(_result: bytes | AutoxError) -> None:
    """Calls here are told by their connection."""
