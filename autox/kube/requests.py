"""A request to an API server, and its bytes on the wire.

What differs from request to request is the path, the length and the body. The rest of the head, with the credentials of
the moment, is made once for each kind of request and kept until the credentials change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from autox import __version__
from autox.kube.connection import Headers
from autox.wire.urls import Url

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, ready to send.

    Attributes:
        method: the HTTP method.
        path: below the server's URL, percent-encoded.
        what: what it is, to begin error messages with.
        plural: the resource or subresource; for some of them no answer is quoted in errors.
        params: the query.
        body: JSON; None for none.
        content_type: of the body.
        accept: what kind of answer is wanted.
    """

    method: str
    path: str
    what: str
    plural: str = ""
    params: Mapping[str, str] | None = None
    body: bytes | None = None
    content_type: str = JSON
    accept: str = JSON

    @property
    def target(self) -> str:
        """The path with the query."""
        return f"{self.path}?{urlencode(self.params, quote_via=quote)}" if self.params else self.path


class RequestEncoder:
    """Encodes requests to one API server."""

    def __init__(self, url: Url) -> None:
        """Nothing is kept.

        Args:
            url: of the server, taken apart.
        """
        self._authority = url.authority
        self._prefix = url.path.rstrip("/")
        self._credentials: Headers = ()
        self._heads: dict[tuple[str, str], bytes] = {}

    def encode(
        self,
        method: str,
        target: str,
        *,
        credentials: Headers,
        body: bytes = b"",
        content_type: str = JSON,
        accept: str = JSON,
    ) -> bytes:
        """The whole request.

        Args:
            method: the HTTP method.
            target: path and query below the server's URL, percent-encoded.
            credentials: the headers that authenticate it.
            body: bytes; empty for none.
            content_type: of the body.
            accept: what kind of answer is wanted.
        """
        if credentials != self._credentials:
            self._credentials = credentials
            self._heads.clear()
        head = self._heads.get((content_type, accept))
        if head is None:
            head = self._heads[content_type, accept] = self._head(content_type, accept)
        start = f"{method} {self._prefix}{target}".encode()
        return b"%b%b%d\r\n\r\n%b" % (start, head, len(body), body)

    def _head(self, content_type: str, accept: str) -> bytes:
        fields = [
            ("Host", self._authority),
            ("User-Agent", f"autox/{__version__}"),
            ("Accept", accept),
            ("Content-Type", content_type),
            *self._credentials,
        ]
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
        return f" HTTP/1.1\r\n{lines}Content-Length: ".encode()
