"""Secrets, ConfigMaps and service-account tokens from the API server, read for pods that need them.

What was read stays good for some seconds, and readers at the same time share one request, so that a hundred pods
with the same Secret do not cost a hundred requests; errors are not kept. Rejected: a watch for each Secret, as
the kubelet does (its cost is worth it on a machine with a hundred long-lived pods, not here).

When a token is to be replaced is the kubelet's rule (pkg/kubelet/token/token_manager.go in kubernetes), as a function
of the time, with its jitter as an argument.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from autox.kube.objects import Object
from autox.model.refs import CONFIG_MAPS, SECRETS, SERVICE_ACCOUNTS, Resource
from autox.nodes.process.volumes.downward import PodFacts

_FRESH = 5.0  # seconds for which an answer is used again
_LONGEST = 24 * 3600.0  # seconds after which any token is replaced
_SHARE = 0.8  # of its lifetime
JITTER = 10.0
"""Seconds by which the caller's randomness should bring a replacement forward, so that not all come at once."""


class KubeReader(Protocol):
    """What is needed of the Kubernetes client."""

    async def get(
        self, resource: Resource, name: str, *, namespace: str | None = None, subresource: str | None = None
    ) -> Object:
        """See ``autox.kube.client.KubeClient.get``."""
        ...

    async def create(
        self,
        resource: Resource,
        body: Object,
        *,
        namespace: str | None = None,
        name: str | None = None,
        subresource: str | None = None,
    ) -> Object:
        """See ``autox.kube.client.KubeClient.create``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A service-account token; times in seconds since the epoch."""

    text: str
    lifetime: float
    expires_at: float

    def __repr__(self) -> str:
        """Without the token: it is a secret, and reprs end up in logs."""
        return f"Token(lifetime={self.lifetime}, expires_at={self.expires_at})"


def needs_refresh(token: Token, now: float, *, jitter: float = 0.0) -> bool:
    """True once 80 % of the lifetime, or a day, has passed.

    Args:
        token: the one in use.
        now: seconds since the epoch.
        jitter: seconds by which it is due earlier; from 0 to ``JITTER``, as the caller draws it.
    """
    issued_at = token.expires_at - token.lifetime
    return now + jitter >= issued_at + min(token.lifetime * _SHARE, _LONGEST)


class Sources:
    """Reads through a short memory."""

    def __init__(self, kube: KubeReader, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._kube = kube
        self._clock = clock
        self._read: dict[tuple[Resource, str, str], tuple[float, asyncio.Task[Object]]] = {}

    async def secret(self, namespace: str, name: str) -> Object:
        """The Secret as it was at most some seconds ago.

        Raises:
            AutoxError: as the client says it; NotFoundError when there is none.
        """
        return await self._shared(SECRETS, namespace, name)

    async def config_map(self, namespace: str, name: str) -> Object:
        """The ConfigMap as it was at most some seconds ago.

        Raises:
            AutoxError: as the client says it; NotFoundError when there is none.
        """
        return await self._shared(CONFIG_MAPS, namespace, name)

    async def token(self, facts: PodFacts, *, audience: str, expiration_seconds: int) -> Token:
        """A new token of the pod's service account, bound to the pod: it dies with it.

        Args:
            facts: the pod; without a service account it has that of the name ``default``.
            audience: who shall accept the token; empty for the API server.
            expiration_seconds: how long it is wanted for; the server may give less.

        Raises:
            AutoxError: as the client says it.
        """
        account = facts.pod.get("spec", {}).get("serviceAccountName") or "default"
        request: Object = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "audiences": [audience] if audience else [],
                "expirationSeconds": expiration_seconds,
                "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": facts.name, "uid": facts.uid},
            },
        }
        answer = await self._kube.create(
            SERVICE_ACCOUNTS, request, namespace=facts.namespace, name=account, subresource="token"
        )
        # NB: the server may give less than was asked for; what it says counts.
        lifetime = answer.get("spec", {}).get("expirationSeconds", expiration_seconds)
        expires = datetime.fromisoformat(answer["status"]["expirationTimestamp"])
        return Token(text=answer["status"]["token"], lifetime=float(lifetime), expires_at=expires.timestamp())

    async def _shared(self, resource: Resource, namespace: str, name: str) -> Object:
        now = self._clock()
        self._read = {key: kept for key, kept in self._read.items() if now < kept[0]}
        key = (resource, namespace, name)
        if key not in self._read:
            task = asyncio.get_running_loop().create_task(self._kube.get(resource, name, namespace=namespace))
            self._read[key] = (now + _FRESH, task)
        task = self._read[key][1]
        try:
            # NB: shielded, since a reader that is cancelled must not take the answer from the others.
            return await asyncio.shield(task)
        finally:
            if task.done() and (task.cancelled() or task.exception() is not None):
                self._read.pop(key, None)
