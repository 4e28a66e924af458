"""Asks the API server who a token belongs to and what its owner may do, as kubelets do for metrics-server and others.

Answers hold for a while: a scraper comes every 15 seconds, to every node. For the same reason a right is first asked
about for all nodes, which is how roles give it, and for the one node only when that is denied. One question at a time:
when thousands of nodes are scraped at once, all but the first find its answer. Tokens are not kept, only digests.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from hashlib import sha256
from typing import Any

from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.refs import SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS, Resource
from autox.nodes.kubelet.access import Caller, Right

HOLDS_SECONDS = 60.0
_MOST_ANSWERS = 4096


class Reviews:
    """The API server's answers; the client needs ``create`` on tokenreviews and subjectaccessreviews."""

    def __init__(self, kube: KubeClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._kube, self._clock = kube, clock
        self._answers: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._asking = asyncio.Lock()

    async def caller(self, token: str) -> Caller | None:
        """Whose token it is; None if the API server knows nobody by it.

        Raises:
            AutoxError: the API server could not be asked.
        """
        found: Caller | None = await self._answer(
            ("token", sha256(token.encode()).digest()), lambda: self._owner(token)
        )
        return found

    async def allows(self, caller: Caller, right: Right, *, node: str) -> bool:
        """Whether a caller has a right on a node.

        Args:
            caller: whose right it is.
            right: a verb, and subresources of a Node of which any one will do.
            node: name of the Node; empty for all nodes at once.

        Raises:
            AutoxError: the API server could not be asked.
        """
        for name in dict.fromkeys(("", node)):
            for subresource in right.subresources:
                key = (caller, right.verb, subresource, name)
                if await self._answer(key, lambda: self._allowed(*key)):  # noqa: B023  - awaited in this very turn
                    return True
        return False

    async def _answer(self, key: Hashable, ask: Callable[[], Awaitable[Any]]) -> Any:
        if (known := self._known(key)) is None:
            async with self._asking:
                if (known := self._known(key)) is None:
                    known = (self._clock() + HOLDS_SECONDS, await ask())
                    self._answers[key] = known
                    if len(self._answers) > _MOST_ANSWERS:
                        self._answers.popitem(last=False)
        return known[1]

    def _known(self, key: Hashable) -> tuple[float, Any] | None:
        known = self._answers.get(key)
        if known is not None and known[0] <= self._clock():
            del self._answers[key]
            return None
        return known

    async def _owner(self, token: str) -> Caller | None:
        status = await self._review(TOKEN_REVIEWS, {"token": token})
        user = status.get("user")
        # Anything but a clear yes is a no.
        if status.get("authenticated") is not True or not isinstance(user, dict) or not user.get("username"):
            return None
        return Caller(
            name=user["username"],
            groups=tuple(user.get("groups") or ()),
            uid=user.get("uid") or "",
            extra=tuple((key, tuple(values)) for key, values in sorted((user.get("extra") or {}).items())),
        )

    async def _allowed(self, caller: Caller, verb: str, subresource: str, name: str) -> bool:
        attributes = {"verb": verb, "version": "v1", "resource": "nodes", "subresource": subresource, "name": name}
        spec = {
            "user": caller.name,
            "groups": list(caller.groups),
            "uid": caller.uid,
            "extra": {key: list(values) for key, values in caller.extra},
            "resourceAttributes": attributes,
        }
        return (await self._review(SUBJECT_ACCESS_REVIEWS, spec)).get("allowed") is True

    async def _review(self, resource: Resource, spec: Object) -> Object:
        body = {"apiVersion": resource.api_version, "kind": resource.kind, "spec": spec}
        status = (await self._kube.create(resource, body)).get("status")
        return status if isinstance(status, dict) else {}
