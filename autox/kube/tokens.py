"""Tokens of service accounts, by ``TokenRequest``: one of them, or credentials that ask for the next before it ends.

How long a token is good is counted from when it was asked for, by the seconds that the API server grants and by our own
clock alone: its ``expirationTimestamp`` is of another clock.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from autox.kube.client import KubeClient
from autox.kube.connection import Headers
from autox.kube.credentials import bearer
from autox.model.errors import AutoxError, ServerError
from autox.model.refs import SERVICE_ACCOUNTS

_SHARE = 0.8
"""Of its time after which a token is replaced, as the kubelet does it."""
_PAUSE = 10.0
"""Seconds between two requests at the least: a refusal must not be a storm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What lets a service account in.

    Attributes:
        text: the token.
        seconds: how long it is good, from when it was asked for.
        expires: until when, as the API server says it: ``2026-01-02T03:04:05Z``.
    """

    text: str = field(repr=False)
    seconds: float
    expires: str


async def request_token(kube: KubeClient, namespace: str, name: str, *, seconds: float) -> Token:
    """Ask for a token.

    Args:
        kube: of the cluster that the service account is in.
        namespace: of the service account.
        name: likewise.
        seconds: how long it is wanted to be good; at least 600. The API server may give less.

    Raises:
        NotFoundError: there is no such service account, or the API server gives no tokens.
        ForbiddenError: we may not ask for it.
        AutoxError: the API server cannot be reached, or refuses otherwise.
    """
    wanted = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": int(seconds)},
    }
    answer = await kube.create(SERVICE_ACCOUNTS, wanted, namespace=namespace, name=name, subresource="token")
    status, granted = answer.get("status") or {}, (answer.get("spec") or {}).get("expirationSeconds")
    if not isinstance(status, dict) or not isinstance(text := status.get("token"), str):
        raise ServerError(f"{kube.server} gave no token for {namespace}/{name}")
    return Token(
        text=text,
        seconds=float(granted) if isinstance(granted, int) and granted > 0 else seconds,
        expires=str(status.get("expirationTimestamp")),
    )


class AccountCredentials:
    """A service account's token, and a new one while the old one is still good."""

    def __init__(
        self,
        kube: KubeClient,
        namespace: str,
        name: str,
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is asked for before the first ``headers``.

        Args:
            kube: asks for the tokens, with credentials of its own.
            namespace: of the service account.
            name: likewise.
            seconds: how long a token is wanted to be good; at least 600.
            clock: monotonic seconds.
        """
        self._kube = kube
        self._account = namespace, name
        self._seconds = seconds
        self._clock = clock
        self._lock = asyncio.Lock()
        self._headers: Headers = ()
        self._ends = self._renews = self._asked = -1.0

    async def headers(self) -> Headers:
        """The header with the token, asked for anew once four fifths of its time are over.

        Raises:
            AutoxError: there is no token that is good any more, and none was to be had.
        """
        async with self._lock:
            if self._clock() >= self._renews:
                await self._renew()
        return self._headers

    def rejected(self, used: Headers) -> bool:
        """Ask for another token before the next request, unless that was done just now."""
        if used != self._headers:
            return True
        if self._clock() - self._asked < _PAUSE:
            return False
        self._renews = self._ends = self._clock()
        return True

    async def _renew(self) -> None:
        self._asked = began = self._clock()
        try:
            token = await request_token(self._kube, *self._account, seconds=self._seconds)
        except AutoxError:
            if began >= self._ends:
                raise
            self._renews = min(began + _PAUSE, self._ends)  # what is there is good meanwhile
            return
        self._headers = bearer(token.text, what=f"what {self._kube.server} gave as a token")
        self._renews, self._ends = began + _SHARE * token.seconds, began + token.seconds
