"""A call of ``bulk`` as the bytes of an HTTP/1.1 request, with the credentials of the moment.

What differs from call to call is the path, the length and the body. The rest of the head is made once for each kind of
call and kept until the credentials change.
"""

from autox import __version__
from autox.kube.calls import Call
from autox.kube.connection import Connection, Headers
from autox.wire.urls import Url


class CallEncoder:
    """Encodes calls to one API server."""

    def __init__(self, connection: Connection, url: Url) -> None:
        """There are no credentials before ``renew``.

        Args:
            connection: which API server.
            url: its URL, taken apart.
        """
        self._connection = connection
        self._authority = url.authority
        self._prefix = url.path.rstrip("/")
        self._credentials: Headers = ()
        self._heads: dict[tuple[str, str], bytes] = {}

    async def renew(self) -> None:
        """Take the credentials as they are now.

        Raises:
            AutoxError: there are none; those from before go on being used.
        """
        now = await self._connection.headers()
        if now != self._credentials:
            self._credentials = now
            self._heads.clear()

    def rejected(self) -> bool:
        """The server answered 401; true if taking the credentials again may give better ones."""
        return self._connection.credentials.rejected(self._credentials)

    def encode(self, call: Call) -> bytes:
        """The whole request."""
        head = self._heads.get((call.content_type, call.accept))
        if head is None:
            head = self._heads[call.content_type, call.accept] = self._head(call)
        body = call.body if isinstance(call.body, bytes) else call.body()
        start = f"{call.method} {self._prefix}{call.path}".encode()
        return b"%b%b%d\r\n\r\n%b" % (start, head, len(body), body)

    def _head(self, call: Call) -> bytes:
        fields = [
            ("Host", self._authority),
            ("User-Agent", f"autox/{__version__}"),
            ("Accept", call.accept),
            ("Content-Type", call.content_type),
            *self._credentials,
        ]
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
        return f" HTTP/1.1\r\n{lines}Content-Length: ".encode()
