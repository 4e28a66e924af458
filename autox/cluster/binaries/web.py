"""One HTTP GET with the deadlines that a download needs; every failure becomes one of three exceptions.

urllib and not aiohttp: ``provide`` is synchronous, one file is fetched at a time, and urllib knows proxies,
certificates and redirects of the environment. What it lacks is added here: connecting and waiting for data have
different deadlines, and a redirect never leads from https to http.
"""

import errno
import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import IO, Any

_TRANSIENT_STATUS = {408, 425, 429, 500, 502, 503, 504}
_RESET = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED}


class UnreachableOriginError(Exception):
    """Nobody answers there: no name, no route, refused, not trusted. Trying again at once is pointless."""


class InterruptedTransferError(Exception):
    """The transfer broke, stalled, or the server asked to come back: the same request may succeed."""


class RefusedTransferError(Exception):
    """The server answered, and the answer will not get better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds to wait.

    Attributes:
        connect: for a connection to be made, each address of a name.
        stall: for the next bytes to arrive once connected.
    """

    connect: float = 5.0
    stall: float = 20.0


class Web:
    """Opens URLs."""

    def __init__(self, deadlines: Deadlines) -> None:
        """Take the proxies and certificates of the environment."""
        context = ssl.create_default_context()
        self._connect = deadlines.connect
        self._opener = urllib.request.build_opener(
            _PlainHandler(deadlines.stall), _TLSHandler(deadlines.stall, context), _SafeRedirects()
        )

    def open(self, url: str, *, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        """GET a URL; the answer has status 200 or 206, or 416 when the range cannot be had.

        Raises:
            UnreachableOriginError: no connection could be made.
            InterruptedTransferError: it broke, or the status promises that a later attempt may succeed.
            RefusedTransferError: any other status or an answer that is not HTTP.
        """
        request = urllib.request.Request(url, headers={"User-Agent": "autox", **headers})  # noqa: S310  - see settings
        try:
            response = self._opener.open(request, timeout=self._connect)
        except urllib.error.HTTPError as error:
            error.close()
            raise _status_error(error.code) from error
        except urllib.error.URLError as error:
            raise _connection_error(error.reason) from error
        except (TimeoutError, ConnectionError) as error:
            raise InterruptedTransferError(_words(error)) from error
        except (http.client.HTTPException, ValueError, OSError) as error:
            raise RefusedTransferError(f"no proper HTTP answer ({type(error).__name__})") from error
        if not isinstance(response, http.client.HTTPResponse):
            raise RefusedTransferError("not an http or https URL")
        return response


def read(response: http.client.HTTPResponse, size: int) -> bytes:
    """Some next bytes of an answer, empty at its end, which may come earlier than Content-Length promised.

    Raises:
        InterruptedTransferError: the connection broke or stalled.
    """
    try:
        return response.read1(size)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise InterruptedTransferError(_words(error)) from error


class RangeError(InterruptedTransferError):
    """The server does not have the range that was asked for (HTTP 416)."""


def _status_error(code: int) -> Exception:
    try:
        words = f"HTTP {code} {HTTPStatus(code).phrase}"
    except ValueError:
        words = f"HTTP {code}"
    if code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return RangeError(words)
    return InterruptedTransferError(words) if code in _TRANSIENT_STATUS else RefusedTransferError(words)


def _connection_error(reason: object) -> Exception:
    # NB: urllib puts failures to connect and failures to send into the same exception
    if isinstance(reason, OSError) and reason.errno in _RESET:
        return InterruptedTransferError(_words(reason))
    return UnreachableOriginError(_words(reason))


def _words(reason: object) -> str:
    match reason:
        case TimeoutError():
            return "no answer in time"
        case ssl.SSLCertVerificationError():
            return f"certificate not trusted: {reason.verify_message}"
        case OSError() if reason.strerror:
            return reason.strerror
        case http.client.IncompleteRead() | ConnectionError():
            return "connection lost"
        case BaseException():
            return type(reason).__name__
        case _:
            return str(reason)


class _Waiting(http.client.HTTPConnection):
    """A connection that has its own deadline for data once it is made."""

    def __init__(self, host: str, *, stall: float, **options: Any) -> None:
        super().__init__(host, **options)
        self._stall = stall

    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(self._stall)


class _WaitingTLS(http.client.HTTPSConnection):
    """The same over TLS."""

    def __init__(self, host: str, *, stall: float, **options: Any) -> None:
        super().__init__(host, **options)
        self._stall = stall

    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(self._stall)


class _PlainHandler(urllib.request.HTTPHandler):
    def __init__(self, stall: float) -> None:
        super().__init__()
        self._connection = partial(_Waiting, stall=stall)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)


class _TLSHandler(urllib.request.HTTPSHandler):
    def __init__(self, stall: float, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._connection = partial(_WaitingTLS, stall=stall, context=context)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not from https to anything else."""

    def redirect_request(  # noqa: PLR0917  - the signature is urllib's
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise urllib.error.HTTPError(req.full_url, code, "redirected from https to http", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
