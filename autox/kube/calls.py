"""One request of ``bulk``: what to send and whom to tell, and what little is read of an answer.

Its bytes on the wire are those of any request (``requests``).
"""

from collections.abc import Callable

import msgspec

from autox.kube.connection import Connection, Headers
from autox.kube.listing import METADATA_ONLY
from autox.kube.requests import JSON, RequestEncoder
from autox.model.errors import AutoxError
from autox.wire.urls import Url

Done = Callable[[bytes | AutoxError], None]


class _Metadata(msgspec.Struct):
    """What is read of an answer's metadata."""

    resource_version: str = msgspec.field(name="resourceVersion", default="")


class _Answer(msgspec.Struct):
    """What is read of an answer."""

    metadata: _Metadata


_decoder = msgspec.json.Decoder(_Answer)


class Call:
    """One request, and whom to tell what became of it; it has what it was made with, and how far it is.

    Attributes:
        deadline: when it fails, on the monotonic clock; 0.0 until it has been sent.
        sent_again: it was sent a second time.
    """

    __slots__ = ("accept", "body", "content_type", "deadline", "done", "method", "path", "plural", "sent_again")

    def __init__(
        self,
        method: str,
        path: str,
        done: Done,
        *,
        plural: str,
        body: bytes | Callable[[], bytes] = b"",
        content_type: str = JSON,
        accept: str = METADATA_ONLY,
    ) -> None:
        """Nothing is sent before ``BulkClient.submit``.

        Args:
            method: the HTTP method.
            path: below the server's URL, percent-encoded.
            done: called once, with the body of the answer or with the error; never if the client is closed before.
            plural: the resource or subresource; decides whether an error may quote the answer.
            body: JSON, or nothing; or what makes it, called when the request is sent, which may be some time later.
            content_type: of the body.
            accept: what kind of answer is wanted; by default just the metadata, a kilobyte less for both sides.
        """
        self.method = method
        self.path = path
        self.plural = plural
        self.body = body
        self.content_type = content_type
        self.accept = accept
        self.done = done
        self.deadline = 0.0
        self.sent_again = False

    def __str__(self) -> str:
        """``PATCH /api/v1/namespaces/a/pods/b/status``."""
        return f"{self.method} {self.path}"


class CallEncoder:
    """Encodes calls to one API server."""

    def __init__(self, connection: Connection, url: Url) -> None:
        """There are no credentials before ``renew``.

        Args:
            connection: which API server.
            url: its URL, taken apart.
        """
        self._connection = connection
        self._encoder = RequestEncoder(url)
        self._credentials: Headers = ()

    async def renew(self) -> None:
        """Take the credentials as they are now.

        Raises:
            AutoxError: there are none; those from before go on being used.
        """
        self._credentials = await self._connection.headers()

    def rejected(self) -> bool:
        """The server answered 401; true if taking the credentials again may give better ones."""
        return self._connection.credentials.rejected(self._credentials)

    def encode(self, call: Call) -> bytes:
        """The whole request."""
        return self._encoder.encode(
            call.method,
            call.path,
            credentials=self._credentials,
            body=call.body if isinstance(call.body, bytes) else call.body(),
            content_type=call.content_type,
            accept=call.accept,
        )


def version_of(answer: bytes) -> str:
    """The resource version that an answer's object has; empty if the answer is no object."""
    try:
        return _decoder.decode(answer).metadata.resource_version
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
