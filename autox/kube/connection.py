"""Where an API server is and how to be let in: the one value that ``auth`` makes and ``transport`` uses.

Credentials change while a process runs: projected tokens rotate each hour, plugins hand out tokens that expire. So a
connection holds a source of headers rather than headers. No repr of it ever shows a secret.
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

Headers = tuple[tuple[str, str], ...]
"""HTTP headers as pairs: impersonation may repeat a name."""


class Credentials(Protocol):
    """A source of the headers that authenticate a request."""

    async def headers(self) -> Headers:
        """The headers for the next request.

        Raises:
            ConfigurationError: there are no usable credentials.
            DeadlineError: a credential plugin did not answer.
        """
        ...

    def rejected(self, used: Headers) -> bool:
        """The server answered 401 to the headers ``used``; true if asking again may give better ones."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedCredentials:
    """Headers that never change: a static token, or nothing beside a client certificate."""

    fixed: Headers = field(default=(), repr=False)

    async def headers(self) -> Headers:
        """The same headers each time."""
        return self.fixed

    def rejected(self, used: Headers) -> bool:  # noqa: ARG002  - the protocol's signature
        """Trying again cannot help."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The files that a connection was made from, for programs that read them themselves, as helm does.

    Attributes:
        kubeconfigs: absolute paths, merged as kubectl does; empty for a pod's service account.
        context: which context of them; None for the current one.
        service_account: the directory with ``token`` and ``ca.crt``; None for a kubeconfig.
    """

    kubeconfigs: tuple[Path, ...] = ()
    context: str | None = None
    service_account: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """An API server, how to trust it, and how to be let in.

    Attributes:
        server: its URL without a trailing slash; may have a path (a gateway such as Rancher's).
        origin: where this came from, for error messages: ``context "a" of /home/me/.kube/config``.
        namespace: what to use where the user named none.
        tls: trust and client certificate; None for plain http.
        server_hostname: the name to verify in the server's certificate, if not that of the URL.
        proxy: URL of an HTTP proxy, if any.
        credentials: what authenticates each request beside a client certificate.
        source: the files that all this was read from; None if it was put together by hand.
    """

    server: str
    origin: str
    namespace: str = "default"
    tls: ssl.SSLContext | None = None
    server_hostname: str | None = None
    proxy: str | None = field(default=None, repr=False)
    credentials: Credentials = field(default_factory=FixedCredentials, repr=False)
    source: Source | None = None

    async def headers(self) -> Headers:
        """Headers that authenticate the next request; see ``Credentials.headers``."""
        return await self.credentials.headers()
